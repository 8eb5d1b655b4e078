#include "retrieval/knowledge_base.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "retrieval/query.h"

namespace lathe::retrieval {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::vector<Document> kHandbook = {
    {"battery.md", "Aster X2",
     "# Battery\nThe battery lasts nine hours.\n# Charging\nUse the dock."},
    {"screen.md", "Aster X2", "# Screen\nThe screen shows ten million colours."},
    {"returns.txt", "Returns", "Goods go back within thirty days.\n\nKeep the receipt."},
};

class KnowledgeBaseTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path file_ = scratch_.path() / "handbook.db";
  KnowledgeBase base_ = KnowledgeBase::create(file_).value();

  void SetUp() override { ASSERT_TRUE(base_.add_documents(kHandbook).ok()); }

  std::string best(std::string_view query) {
    const auto hits = base_.search(query, 3);
    if (!hits.ok()) return hits.error().message();
    return hits->empty() ? "" : (*hits)[0].text;
  }
};

TEST_F(KnowledgeBaseTest, FindsTheChunkThatAnswers) {
  const auto hits = base_.search("How long does the battery last?", 5).value();
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(hits[0].document, "battery.md");
  EXPECT_EQ(hits[0].title, "Aster X2 - Battery");
  EXPECT_EQ(hits[0].text, "The battery lasts nine hours.");
  EXPECT_EQ(hits[0].chunk, 0);
  EXPECT_GT(hits[0].score, 0);
  EXPECT_EQ(best("which COLOUR has the screen"), "The screen shows ten million colours.");
  EXPECT_EQ(best("charge"), "Use the dock.");  // by the stem of its title
  EXPECT_EQ(best("zebra"), "");
}

TEST_F(KnowledgeBaseTest, ChunksWithEveryTermComeFirst) {
  ASSERT_TRUE(base_
                  .add_document({"long.txt", "",
                                 "Dock dock dock dock dock.\n\nThe receipt names the dock, and "
                                 "many other things stand here beside it."})
                  .ok());
  const auto hits = base_.search("receipt dock", 10).value();
  ASSERT_GE(hits.size(), 3u);
  EXPECT_EQ(hits[0].document, "long.txt");
  for (std::size_t i = 0; i < hits.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(hits[i].document == hits[j].document && hits[i].chunk == hits[j].chunk);
    }
  }
  EXPECT_THAT(base_.search("receipt dock", 2).value(), SizeIs(2));
  EXPECT_THAT(base_.search("receipt dock", 0).value(), IsEmpty());
}

TEST_F(KnowledgeBaseTest, UserTextIsNeverQuerySyntax) {
  for (const char* query : {"\"",
                            "\"\"\"",
                            "battery\" OR \"",
                            "battery*",
                            "title:battery",
                            "NEAR(battery lasts, 2)",
                            "NEAR(",
                            "^battery",
                            "battery AND",
                            "AND",
                            "NOT battery",
                            "- battery",
                            "{title}: battery",
                            "(((battery",
                            "'; DROP TABLE chunks; --",
                            "battery\xff\xfe",
                            "\\\"battery\\\"",
                            "+ battery",
                            "a:b:c",
                            "battery \xe2\x80\x94 \xe2\x80\x9cnine\xe2\x80\x9d"}) {
    const auto hits = base_.search(query, 3);
    EXPECT_TRUE(hits.ok()) << query << ": " << hits.error().message();
  }
  EXPECT_EQ(best("NOT battery"), "The battery lasts nine hours.");
  EXPECT_THAT(base_.list().value(), SizeIs(3));
  std::string many;
  for (std::size_t i = 0; i < kMaxQueryTerms - 1; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_EQ(best(many + "battery"), "The battery lasts nine hours.");
  EXPECT_EQ(base_.search(many + "two more", 3).error().kind, ErrorKind::limit);
}

TEST_F(KnowledgeBaseTest, SameNameTakesTheOldOnesPlace) {
  ASSERT_TRUE(base_.add_document({"battery.md", "Aster X3", "It lasts a week."}).ok());
  EXPECT_EQ(best("nine hours"), "");
  EXPECT_EQ(best("week"), "It lasts a week.");
  const auto documents = base_.list().value();
  ASSERT_THAT(documents, SizeIs(3));
  EXPECT_EQ(documents[0].name, "battery.md");
  EXPECT_EQ(documents[0].title, "Aster X3");
  EXPECT_EQ(documents[0].bytes, 16);
  EXPECT_EQ(documents[0].chunks, 1);
  EXPECT_TRUE(base_.check_integrity().ok());
}

TEST_F(KnowledgeBaseTest, RemovedDocumentsAreNotFound) {
  ASSERT_TRUE(base_.remove("battery.md").ok());
  EXPECT_EQ(best("battery"), "");
  EXPECT_EQ(base_.remove("battery.md").error().kind, ErrorKind::not_found);
  EXPECT_EQ(base_.document("battery.md").error().kind, ErrorKind::not_found);
  EXPECT_TRUE(base_.check_integrity().ok());
}

TEST_F(KnowledgeBaseTest, DocumentsComeBackAsTheyWere) {
  const Document out = base_.document("battery.md").value();
  EXPECT_EQ(out.title, kHandbook[0].title);
  EXPECT_EQ(out.text, kHandbook[0].text);
}

TEST_F(KnowledgeBaseTest, OneBadDocumentLeavesAllOut) {
  const std::vector<Document> batch = {{"new.md", "", "good text"}, {"bad.md", "", "\xff"}};
  EXPECT_FALSE(base_.add_documents(batch).ok());
  const std::vector<Document> empty = {{"new.md", "", "good text"}, {"empty.md", "t", " \n"}};
  const Status status = base_.add_documents(empty);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr("empty.md"));
  const std::vector<Document> twice = {{"new.md", "", "one"}, {"new.md", "", "two"}};
  EXPECT_FALSE(base_.add_documents(twice).ok());
  EXPECT_THAT(base_.list().value(), SizeIs(3));
}

TEST_F(KnowledgeBaseTest, ChunkOptionsStayWithTheFile) {
  const os::Path other = scratch_.path() / "small.db";
  ChunkOptions small;
  small.words = 8;
  small.overlap_words = 4;
  ASSERT_TRUE(KnowledgeBase::create(other, small).ok());
  KnowledgeBase base = KnowledgeBase::open(other).value();
  EXPECT_EQ(base.chunking().words, 8u);
  EXPECT_EQ(base.chunking().overlap_words, 4u);
  ASSERT_TRUE(base.add_document({"a", "", "One two three. Four five six. Seven eight nine."}).ok());
  EXPECT_EQ(base.list().value()[0].chunks, 2);
  small.words = 0;
  EXPECT_FALSE(KnowledgeBase::create(scratch_.path() / "none.db", small).ok());
  EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "none.db"));
}

TEST_F(KnowledgeBaseTest, CreateAndOpenRefuseTheWrongFiles) {
  EXPECT_EQ(KnowledgeBase::create(file_).error().kind, ErrorKind::already_exists);
  EXPECT_EQ(KnowledgeBase::open(scratch_.path() / "none.db").error().kind, ErrorKind::not_found);
  const os::Path bad = scratch_.path() / "bad.db";
  ASSERT_TRUE(os::write_file_atomically(bad, std::string(5000, 'z')).ok());
  const auto refused = KnowledgeBase::open(bad);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  EXPECT_THAT(refused.error().message(), HasSubstr(bad.string()));
}

TEST_F(KnowledgeBaseTest, HugeDocumentIsSearchable) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "An ordinary sentence stands here. ";
  text += "The needle is behind the barn.";
  ASSERT_TRUE(base_.add_document({"huge.txt", "", text}).ok());
  EXPECT_THAT(best("needle"), HasSubstr("behind the barn"));
}

TEST_F(KnowledgeBaseTest, ThreadsMaySearchWhileOneAdds) {
  bool good = true;
  std::thread reader([&] {
    for (int i = 0; i < 100; ++i) good = good && !base_.search("receipt", 1).value().empty();
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(base_.add_document({"n" + std::to_string(i), "", "more text"}).ok());
  }
  reader.join();
  EXPECT_TRUE(good);
}

// Damage anywhere in the file gives an error or an answer, never a crash, and the check finds it or
// the content is whole.
TEST(KnowledgeBaseDamage, OverwrittenPagesAreErrors) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path file = scratch.path() / "kb.db";
  {
    KnowledgeBase base = KnowledgeBase::create(file).value();
    std::string text;
    for (int i = 0; i < 3000; ++i) text += "Sentence number " + std::to_string(i) + " is here. ";
    ASSERT_TRUE(base.add_document({"a.txt", "", text}).ok());
  }
  const std::string whole = os::read_file(file).value();
  int found = 0;
  for (std::size_t page = 1; page * 4096 < whole.size(); page += 3) {
    std::string bytes = whole;
    for (std::size_t i = 0; i < 4096 && page * 4096 + i < bytes.size(); i += 2) {
      bytes[page * 4096 + i] = static_cast<char>(i * 31);
    }
    ASSERT_TRUE(os::write_file_atomically(file, bytes).ok());
    auto base = KnowledgeBase::open(file);
    if (!base.ok()) {
      ++found;
      continue;
    }
    (void)base->search("sentence number", 50);
    (void)base->list();
    (void)base->add_document({"b.txt", "", "more"});
    if (!base->check_integrity().ok()) ++found;
  }
  EXPECT_GT(found, 5);
}

TEST(KnowledgeBaseProcess, KilledWriterLeavesTheOldDocuments) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path file = scratch.path() / "kb.db";
  {
    KnowledgeBase base = KnowledgeBase::create(file).value();
    ASSERT_TRUE(base.add_documents(kHandbook).ok());
  }
  const pid_t child = ::fork();  // while no connection is open
  if (child == 0) {
    KnowledgeBase base = KnowledgeBase::open(file).value();
    for (int i = 0;; ++i) {
      std::vector<Document> batch(50, {"", "", "The battery lasts " + std::to_string(i) + "."});
      for (std::size_t j = 0; j < batch.size(); ++j) batch[j].name = "n" + std::to_string(j);
      (void)base.add_documents(batch);
    }
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  KnowledgeBase base = KnowledgeBase::open(file).value();
  EXPECT_TRUE(base.check_integrity().ok());
  const std::size_t count = base.list().value().size();
  EXPECT_TRUE(count == 3 || count == 53) << count;
  if (count == 53) {
    EXPECT_EQ(base.document("n0").value().text, base.document("n49").value().text);
  }
}

}  // namespace
}  // namespace lathe::retrieval
