#include "retrieval/keyword_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace lathe::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::size_t> indexes(const KeywordIndex& index, std::string_view query,
                                 std::size_t k = 10) {
  std::vector<std::size_t> found;
  const auto hits = index.search(query, k).value();
  for (const auto& hit : hits) found.push_back(hit.index);
  return found;
}

KeywordIndex fruit() {
  const std::vector<std::string> texts = {"I like red apples", "pears are green",
                                          "green apples and green pears", "nothing at all",
                                          "a boat sails the sea"};
  return KeywordIndex::build(texts).value();
}

TEST(KeywordIndex, RanksByWhatIsShared) {
  const KeywordIndex index = fruit();
  EXPECT_THAT(indexes(index, "green pears"), ElementsAre(1, 2));
  EXPECT_THAT(indexes(index, "sailing boats"), ElementsAre(4));  // stems
  EXPECT_THAT(indexes(index, "zebra"), IsEmpty());
  EXPECT_THAT(indexes(index, "green pears", 1), ElementsAre(1));
  EXPECT_THAT(indexes(index, "green pears", 0), IsEmpty());
  EXPECT_THAT(indexes(index, "\" OR NEAR( *"), IsEmpty());
}

TEST(KeywordIndex, EqualTextsKeepTheirOrder) {
  const std::vector<std::string> texts(5, "the same words");
  EXPECT_THAT(indexes(KeywordIndex::build(texts).value(), "same"), ElementsAre(0, 1, 2, 3, 4));
}

TEST(KeywordIndex, NoTextsIsAnIndexToo) {
  EXPECT_THAT(indexes(KeywordIndex::build({}).value(), "word"), IsEmpty());
}

TEST(KeywordIndex, ThreadsMaySearchTogether) {
  const KeywordIndex index = fruit();
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (int& count : good) {
    threads.emplace_back([&index, &count] {
      for (int i = 0; i < 50; ++i) {
        count += indexes(index, "green pears") == std::vector<std::size_t>{1, 2} ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(good, ElementsAre(50, 50, 50, 50));
}

}  // namespace
}  // namespace lathe::retrieval
