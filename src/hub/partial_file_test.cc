#include "hub/partial_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "hub/digest.h"

namespace lathe::hub {
namespace {

constexpr std::uint64_t kSize = 1'000'000;  // 4 pieces

class PartialFileTest : public testing::Test {
 protected:
  PartialFile open(const std::string& tag = "sha256:ab", std::uint64_t size = kSize) {
    auto file = PartialFile::open(path_, size, tag);
    EXPECT_TRUE(file.ok()) << file.error().message();
    return std::move(file).value();
  }
  void fill(PartialFile& file, std::size_t piece) {
    const std::vector<std::byte> bytes(file.piece(piece).size, std::byte{7});
    ASSERT_TRUE(file.write(file.piece(piece).first, bytes).ok());
    ASSERT_TRUE(file.mark(piece).ok());
  }
  os::Path journal() const { return path_.string() + ".journal"; }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "sub" / "weights";
};

TEST_F(PartialFileTest, IsAtFullSizeAndCutIntoPieces) {
  const PartialFile file = open();
  EXPECT_EQ(std::filesystem::file_size(path_), kSize);
  ASSERT_EQ(file.pieces(), 4u);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < file.pieces(); ++i) {
    EXPECT_EQ(file.piece(i).first, sum);
    sum += file.piece(i).size;
  }
  EXPECT_EQ(sum, kSize);
}

TEST_F(PartialFileTest, GoesOnWhereItStopped) {
  {
    PartialFile file = open();
    fill(file, 0);
    fill(file, 2);
    ASSERT_TRUE(file.set_etag("\"x\"").ok());
  }
  PartialFile file = open();
  EXPECT_TRUE(file.is_done(0) && !file.is_done(1) && file.is_done(2) && !file.is_done(3));
  EXPECT_EQ(file.done_bytes(), file.piece(0).size + file.piece(2).size);
  EXPECT_EQ(file.etag(), "\"x\"");
  EXPECT_FALSE(file.is_verified());
  ASSERT_TRUE(file.mark_verified().ok());
  EXPECT_TRUE(open().is_verified());
}

TEST_F(PartialFileTest, KeepsNothingOfOtherBytes) {
  const auto leaves = [&](const std::string& tag, std::uint64_t size) {
    {
      PartialFile file = open();
      if (!file.is_done(1)) fill(file, 1);
    }
    return open(tag, size).done_bytes();
  };
  EXPECT_GT(leaves("sha256:ab", kSize), 0u);
  EXPECT_EQ(leaves("sha256:cd", kSize), 0u);
  EXPECT_EQ(leaves("sha256:ab", kSize + 1), 0u);
  EXPECT_EQ(leaves("", kSize), 0u);
  EXPECT_EQ(leaves("a\nverified", kSize), 0u);
}

TEST_F(PartialFileTest, ATornLineDoesNotCount) {
  {
    PartialFile file = open();
    fill(file, 0);
  }
  std::ofstream(journal(), std::ios::app) << "done 3";  // without its end
  {
    PartialFile file = open();
    EXPECT_TRUE(file.is_done(0));
    EXPECT_FALSE(file.is_done(3));
    fill(file, 1);  // does not run into the torn line
  }
  EXPECT_TRUE(open().is_done(1));
}

TEST_F(PartialFileTest, ADamagedJournalOrACutFileStartsOver) {
  for (const char* damage : {"done 99\n", "done x\n", "nonsense\n"}) {
    {
      PartialFile file = open();
      fill(file, 0);
    }
    std::ofstream(journal(), std::ios::app) << damage;
    EXPECT_EQ(open().done_bytes(), 0u) << damage;
  }
  {
    PartialFile file = open();
    fill(file, 0);
  }
  std::filesystem::resize_file(path_, 10);
  EXPECT_EQ(open().done_bytes(), 0u);
}

TEST_F(PartialFileTest, AnEmptyFileHasNoPieces) {
  const PartialFile file = open("git-sha1:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", 0);
  EXPECT_EQ(file.pieces(), 0u);
  EXPECT_EQ(git_sha1_of(path_).value(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(sha256_of(path_).value(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace lathe::hub
