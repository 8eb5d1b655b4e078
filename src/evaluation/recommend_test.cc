#include "evaluation/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::evaluation {
namespace {

using ::testing::HasSubstr;

// A way with the first `right` of `rows` right.
WayResult tried(Way way, std::size_t right, std::size_t rows, double prompt_tokens) {
  std::vector<RowResult> results(rows);
  for (std::size_t i = 0; i < right; ++i) results[i].right = true;
  for (RowResult& row : results) row.prompt_tokens = static_cast<std::size_t>(prompt_tokens);
  WayResult result;
  result.way = way;
  result.evaluation = summarise(std::move(results));
  if (uses_training(way)) result.training = TrainingCost{.seconds = 9};
  return result;
}

TEST(RecommendTest, TakesTheWayThatIsClearlyBest) {
  const std::vector<WayResult> ways{tried(Way::zero_shot, 10, 100, 30),
                                    tried(Way::few_shot, 40, 100, 200),
                                    tried(Way::lora_retrieval, 80, 100, 400)};
  const Recommendation taken = recommend(ways).value();
  EXPECT_EQ(taken.way, Way::lora_retrieval);
  EXPECT_THAT(taken.reason, HasSubstr("lora+retrieval has 80.0 % of 100 rows right"));
  EXPECT_THAT(taken.reason, HasSubstr("40.0 points more than the next, few-shot (40.0 %"));
  EXPECT_THAT(taken.reason, HasSubstr("p < 0.0001"));
}

TEST(RecommendTest, TakesTheCheaperOfTwoThatCannotBeToldApart) {
  const std::vector<WayResult> ways{tried(Way::zero_shot, 10, 100, 30),
                                    tried(Way::lora, 77, 100, 30),
                                    tried(Way::lora_retrieval, 80, 100, 400)};
  const Recommendation taken = recommend(ways).value();
  EXPECT_EQ(taken.way, Way::lora);
  EXPECT_THAT(taken.reason, HasSubstr("lora+retrieval has 80.0 %"));
  EXPECT_THAT(taken.reason, HasSubstr("p = 0.25"));
  EXPECT_THAT(taken.reason, HasSubstr("30 prompt tokens instead of 400"));
}

TEST(RecommendTest, WithAsManyPromptTokensNoTrainingIsCheaper) {
  const std::vector<WayResult> ways{tried(Way::lora, 52, 100, 30),
                                    tried(Way::zero_shot, 50, 100, 30)};
  const Recommendation taken = recommend(ways).value();
  EXPECT_EQ(taken.way, Way::zero_shot);
  EXPECT_THAT(taken.reason, HasSubstr("cheaper: no training"));
}

TEST(RecommendTest, ADearerWayThatComesNearIsNamed) {
  const std::vector<WayResult> ways{tried(Way::retrieval, 80, 100, 400),
                                    tried(Way::lora_retrieval, 79, 100, 400)};
  const Recommendation taken = recommend(ways).value();
  EXPECT_EQ(taken.way, Way::retrieval);
  EXPECT_THAT(taken.reason, HasSubstr("lora+retrieval comes near (79.0 %, p = 1)"));
}

TEST(RecommendTest, EquallyManyRightRowsThatDifferAreNotTheSame) {
  WayResult a = tried(Way::few_shot, 50, 100, 200), b = tried(Way::retrieval, 50, 100, 300);
  std::reverse(b.evaluation.rows.begin(), b.evaluation.rows.end());
  const PairedComparison paired = compare_ways(a, b);
  EXPECT_EQ(paired.only_a, 50u);
  EXPECT_EQ(paired.only_b, 50u);
  EXPECT_EQ(recommend(std::vector{b, a}).value().way, Way::few_shot) << "the cheaper";
}

TEST(RecommendTest, PassesOverWaysThatFailed) {
  WayResult failed;
  failed.way = Way::lora;
  failed.error = Error::limit("too long");
  EXPECT_FALSE(recommend(std::vector{failed}).has_value());
  const auto taken = recommend(std::vector{failed, tried(Way::zero_shot, 1, 10, 5)});
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->way, Way::zero_shot);
  EXPECT_THAT(taken->reason, HasSubstr("no other way was tried"));
}

TEST(WayTest, NamesGoBothWays) {
  for (const Way way : kAllWays) EXPECT_EQ(parse_way(to_string(way)).value(), way);
  const auto unknown = parse_way("zero");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message(), HasSubstr("lora+retrieval"));
}

}  // namespace
}  // namespace lathe::evaluation
