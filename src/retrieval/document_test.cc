#include "retrieval/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::retrieval {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class DocumentTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path();

  void write(const std::string& name, std::string_view text) {
    const os::Path file = folder_ / name;
    ASSERT_TRUE(os::make_directories(file.parent_path()).ok());
    ASSERT_TRUE(os::write_file_atomically(file, text).ok());
  }
  // Of the error that loading the folder gives, which must name the file.
  Error refused(const std::string& name) {
    const auto documents = load_documents(folder_);
    EXPECT_FALSE(documents.ok());
    if (documents.ok()) return Error::internal("not refused");
    EXPECT_THAT(documents.error().message(), HasSubstr((folder_ / name).string()));
    return documents.error();
  }
};

TEST_F(DocumentTest, FolderIsReadInOrderOfName) {
  write("b.txt", "plain text");
  write("a/deep.md", "# Title here\ntext");
  write("c.MARKDOWN", "\xef\xbb\xbfno heading");
  write(".git/config", "hidden");
  write(".DS_Store", std::string_view("\0\1", 2));
  const auto documents = load_documents(folder_).value();
  ASSERT_THAT(documents, SizeIs(3));
  EXPECT_EQ(documents[0].name, "a/deep.md");
  EXPECT_EQ(documents[0].title, "Title here");
  EXPECT_EQ(documents[1].name, "b.txt");
  EXPECT_EQ(documents[1].title, "b");
  EXPECT_EQ(documents[1].text, "plain text");
  EXPECT_EQ(documents[2].text, "no heading");  // without the byte order mark
}

TEST_F(DocumentTest, SingleFileIsOneDocument) {
  write("a.md", "text");
  const auto documents = load_documents(folder_ / "a.md").value();
  ASSERT_THAT(documents, SizeIs(1));
  EXPECT_EQ(documents[0].name, "a.md");
}

TEST_F(DocumentTest, OtherKindsAreNamedWithWhatIsSupported) {
  write("a.md", "text");
  write("report.pdf", "%PDF");
  const Error error = refused("report.pdf");
  EXPECT_EQ(error.kind, ErrorKind::bad_input);
  EXPECT_THAT(error.message(), HasSubstr(".md, .markdown and .txt"));
}

TEST_F(DocumentTest, BinaryAndBadUtf8AreRefused) {
  write("bad.txt", std::string_view("abc\0def", 7));
  EXPECT_THAT(refused("bad.txt").message(), HasSubstr("zero byte at 3"));
  write("bad.txt", "abcd\xff");
  EXPECT_THAT(refused("bad.txt").message(), HasSubstr("not UTF-8 at byte 4"));
  write("bad.txt", "caf\xc3");  // cut in the middle of a character
  EXPECT_THAT(refused("bad.txt").message(), HasSubstr("not UTF-8 at byte 3"));
  write("bad.txt", "\xed\xa0\x80");  // a surrogate
  refused("bad.txt");
}

TEST_F(DocumentTest, LimitsHold) {
  write("a.txt", "12345678");
  write("b.txt", "12345678");
  LoadLimits limits;
  limits.file_bytes = 7;
  EXPECT_EQ(load_documents(folder_, limits).error().kind, ErrorKind::limit);
  limits = {};
  limits.total_bytes = 15;
  EXPECT_EQ(load_documents(folder_, limits).error().kind, ErrorKind::limit);
  limits = {};
  limits.files = 1;
  EXPECT_EQ(load_documents(folder_, limits).error().kind, ErrorKind::limit);
}

TEST_F(DocumentTest, MissingEmptyAndLinkedFoldersAreErrors) {
  EXPECT_EQ(load_documents(folder_ / "nowhere").error().kind, ErrorKind::not_found);
  EXPECT_EQ(load_documents(folder_).error().kind, ErrorKind::bad_input);
  std::filesystem::create_directory_symlink(folder_, folder_ / "loop");
  refused("loop");
  std::filesystem::remove(folder_ / "loop");
  std::filesystem::create_symlink(folder_ / "gone.txt", folder_ / "link.txt");
  refused("link.txt");
}

TEST(CheckDocument, NamesAndTextsAreChecked) {
  EXPECT_TRUE(check_document({"a.md", "", "text"}).ok());
  EXPECT_FALSE(check_document({"", "", "text"}).ok());
  EXPECT_FALSE(check_document({"a\nb", "", "text"}).ok());
  EXPECT_FALSE(check_document({std::string(513, 'a'), "", "text"}).ok());
  EXPECT_FALSE(check_document({"\xff", "", "text"}).ok());
  EXPECT_FALSE(check_document({"a", "\xff", "text"}).ok());
  EXPECT_FALSE(check_document({"a", "", "\xff"}).ok());
}

}  // namespace
}  // namespace lathe::retrieval
