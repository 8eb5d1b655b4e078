#include "prompting/few_shot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/query.h"

namespace lathe::prompting {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExampleSelector tickets() {
  return ExampleSelector::build({{"The parcel has not arrived", "shipping"},
                                 {"My parcel came broken", "shipping"},
                                 {"The parcel went to a neighbour", "shipping"},
                                 {"I was billed twice for one parcel", "billing"},
                                 {"The app crashes at start", "technical"}})
      .value();
}

std::vector<std::size_t> select(const ExampleSelector& selector, std::string_view query,
                                std::size_t count, bool diverse = false) {
  SelectionOptions options;
  options.count = count;
  options.diverse_outputs = diverse;
  return selector.select(query, options).value();
}

TEST(FewShot, LikestExamplesComeFirst) {
  const ExampleSelector selector = tickets();
  EXPECT_EQ(select(selector, "the parcel came with a broken lid", 2)[0], 1u);
  EXPECT_EQ(select(selector, "why am I billed again", 1)[0], 3u);
}

TEST(FewShot, DiverseOutputsGoRoundTheLabels) {
  const ExampleSelector selector = tickets();
  EXPECT_THAT(select(selector, "broken parcel", 3, true), ElementsAre(1, 3, 4));
  const auto all = select(selector, "broken parcel", 5, true);
  EXPECT_THAT(all, testing::UnorderedElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(all[0], 1u);
}

TEST(FewShot, ExamplesThatShareNothingFillUpInOrder) {
  const ExampleSelector selector = tickets();
  EXPECT_THAT(select(selector, "zebra", 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(select(selector, "crash", 3), ElementsAre(4, 0, 1));
  EXPECT_THAT(select(selector, "", 2), ElementsAre(0, 1));
}

TEST(FewShot, CountIsBoundedByTheExamples) {
  const ExampleSelector selector = tickets();
  EXPECT_EQ(select(selector, "parcel", 100).size(), 5u);
  EXPECT_THAT(select(selector, "parcel", 0), IsEmpty());
}

TEST(FewShot, SameQuestionSameChoice) {
  const ExampleSelector a = tickets();
  const ExampleSelector b = tickets();
  for (const char* query : {"parcel", "the app", "\" OR *", "neighbour parcel"}) {
    EXPECT_EQ(select(a, query, 4, true), select(b, query, 4, true));
  }
}

TEST(FewShot, NoExamplesAndEndlessQueriesAreErrors) {
  EXPECT_EQ(ExampleSelector::build({}).error().kind, ErrorKind::bad_input);
  std::string query;
  for (std::size_t i = 0; i <= retrieval::kMaxQueryTerms; ++i) query += std::to_string(i) + " ";
  EXPECT_EQ(tickets().select(query, {}).error().kind, ErrorKind::limit);
}

}  // namespace
}  // namespace lathe::prompting
