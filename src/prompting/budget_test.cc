#include "prompting/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::prompting {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Prompts whose tokens are those of the mandatory parts and of each optional part, and how often
// they were counted.
struct Prompt {
  std::size_t mandatory = 0;
  std::vector<std::size_t> optional;
  std::size_t counted = 0;

  Result<BudgetPlan> plan(std::size_t context, std::size_t reserve) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < optional.size(); ++i) names.push_back("part " + std::to_string(i));
    return plan_budget({context, reserve}, names, [&](const std::vector<bool>& included) {
      ++counted;
      std::size_t tokens = mandatory;
      for (std::size_t i = 0; i < optional.size(); ++i) tokens += included[i] ? optional[i] : 0;
      return Result<std::size_t>(tokens);
    });
  }
};

TEST(Budget, EverythingFitsToTheLastToken) {
  Prompt prompt{10, {20, 30}};
  const BudgetPlan plan = prompt.plan(100, 40).value();
  EXPECT_THAT(plan.included, ElementsAre(true, true));
  EXPECT_THAT(plan.left_out, IsEmpty());
  EXPECT_EQ(plan.prompt_tokens, 60u);
  EXPECT_EQ(plan.prompt_limit, 60u);
  EXPECT_EQ(prompt.counted, 1u);
}

TEST(Budget, PartsGoInByRankAndSmallerOnesFillTheRest) {
  Prompt prompt{10, {20, 40, 5, 30}};
  const BudgetPlan plan = prompt.plan(100, 60).value();
  EXPECT_THAT(plan.included, ElementsAre(true, false, true, false));
  EXPECT_EQ(plan.prompt_tokens, 35u);
  ASSERT_EQ(plan.left_out.size(), 2u);
  EXPECT_EQ(plan.left_out[0].part, 1u);
  EXPECT_EQ(plan.left_out[0].name, "part 1");
  EXPECT_EQ(plan.left_out[0].tokens_over, 30u);
  EXPECT_EQ(plan.left_out[1].tokens_over, 25u);
  EXPECT_LE(prompt.counted, prompt.optional.size() + 2);
}

TEST(Budget, MandatoryPartsThatDoNotFitAreAnErrorWithTheCounts) {
  for (const std::vector<std::size_t>& optional : {std::vector<std::size_t>{}, {5, 5}}) {
    Prompt prompt{61, optional};
    const auto refused = prompt.plan(100, 40);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::limit);
    EXPECT_THAT(refused.error().message(), HasSubstr("has 61 tokens, and at most 60 fit"));
    EXPECT_THAT(refused.error().message(), HasSubstr("1 tokens shorter"));
  }
}

TEST(Budget, ReserveAsLargeAsTheContextIsAnError) {
  Prompt prompt{1, {}};
  EXPECT_EQ(prompt.plan(100, 100).error().kind, ErrorKind::limit);
  EXPECT_EQ(prompt.plan(0, 0).error().kind, ErrorKind::limit);
  EXPECT_EQ(prompt.counted, 0u);
}

TEST(Budget, ErrorsOfTheCounterComeThrough) {
  const std::vector<std::string> names;
  const auto refused = plan_budget({10, 1}, names, [](const std::vector<bool>&) {
    return Result<std::size_t>(Error::bad_input("the template raised"));
  });
  EXPECT_EQ(refused.error().what, "the template raised");
}

}  // namespace
}  // namespace lathe::prompting
