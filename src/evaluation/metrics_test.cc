#include "evaluation/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe::evaluation {
namespace {

TEST(NormaliseTest, TrimsJoinsSpacesAndDropsOneFullStop) {
  EXPECT_EQ(normalise("  the \t reading\n room. "), "the reading room");
  EXPECT_EQ(normalise("etc.."), "etc.");
  EXPECT_EQ(normalise("."), ".");
  EXPECT_EQ(normalise("so ."), "so");
  EXPECT_EQ(normalise(" \n"), "");
  EXPECT_EQ(normalise("6 February"), "6 February");
  EXPECT_EQ(normalise("ÄRGER.", {.ignore_case = true}), "ärger");
  EXPECT_EQ(normalise("A\xff.", {.ignore_case = true}), "A\xff") << "not UTF-8: as it is";
}

TEST(ExactMatchTest, CountsCaseUnlessToldOtherwise) {
  EXPECT_TRUE(exact_match(" 34 euros.", "34  euros"));
  EXPECT_FALSE(exact_match("Unknown", "unknown"));
  EXPECT_TRUE(exact_match("Unknown", "unknown", {.ignore_case = true}));
  EXPECT_FALSE(exact_match("34 euro", "34 euros"));
}

TEST(TokenF1Test, IsTheHarmonicMeanOfPrecisionAndRecall) {
  EXPECT_DOUBLE_EQ(token_f1("the red door", "the red door"), 1);
  EXPECT_DOUBLE_EQ(token_f1("Red, door!", "red door"), 1);
  // Shared: red, door; 4 given, 3 wanted.
  EXPECT_DOUBLE_EQ(token_f1("a very red door", "the red door"), 4.0 / 7.0);
  EXPECT_DOUBLE_EQ(token_f1("no no", "no"), 2.0 / 3.0) << "each word counts as often as it comes";
  EXPECT_DOUBLE_EQ(token_f1("blue", "red"), 0);
  EXPECT_DOUBLE_EQ(token_f1("", "red"), 0);
  EXPECT_DOUBLE_EQ(token_f1("!", ""), 1);
}

// Published values of the score interval (0 of 10: 0 to 27.75 %).
TEST(WilsonTest, AgreesWithKnownIntervals) {
  const Interval some = wilson(45, 51);
  EXPECT_NEAR(some.low, 0.76619, 5e-5);
  EXPECT_NEAR(some.high, 0.94495, 5e-5);
  const Interval none = wilson(0, 10);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.27753, 5e-5);
  const Interval all = wilson(10, 10);
  EXPECT_NEAR(all.low, 0.72247, 5e-5);
  EXPECT_EQ(all.high, 1);
  EXPECT_EQ(wilson(0, 0).low, 0);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

// The ends solve (share - p)^2 = z^2 p (1 - p) / n, the definition of the score interval.
TEST(WilsonTest, EndsSolveTheScoreEquation) {
  for (std::size_t rows = 1; rows < 60; rows += 7) {
    for (std::size_t right = 1; right < rows; ++right) {
      const Interval interval = wilson(right, rows);
      const double n = static_cast<double>(rows), share = static_cast<double>(right) / n;
      for (const double p : {interval.low, interval.high}) {
        const double z = (share - p) / std::sqrt(p * (1 - p) / n);
        EXPECT_NEAR(std::abs(z), 1.959964, 1e-6) << right << " of " << rows;
      }
    }
  }
}

TEST(McNemarTest, IsTheExactBinomialTail) {
  EXPECT_DOUBLE_EQ(mcnemar_p(0, 0), 1);
  EXPECT_NEAR(mcnemar_p(5, 0), 2 * std::pow(0.5, 5), 1e-12);
  EXPECT_NEAR(mcnemar_p(1, 6), 2 * (1 + 7) / 128.0, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar_p(4, 4), 1);
  EXPECT_EQ(mcnemar_p(3, 12), mcnemar_p(12, 3));
  EXPECT_GT(mcnemar_p(900, 1100), 0);  // no overflow, no underflow to 0
  EXPECT_LT(mcnemar_p(900, 1100), 1e-4);
}

TEST(PairedTest, CountsRowsThatDifferAndBoundsTheDifference) {
  std::vector<double> a(100, 0), b(100, 0);
  for (std::size_t i = 0; i < 60; ++i) a[i] = 1;
  for (std::size_t i = 0; i < 30; ++i) b[i] = 1;
  b[99] = 1;
  const PairedComparison result = compare_paired(a, b);
  EXPECT_EQ(result.only_a, 30u);
  EXPECT_EQ(result.only_b, 1u);
  EXPECT_NEAR(result.difference, 0.29, 1e-12);
  EXPECT_LT(result.p, 1e-6);
  // The standard error is sqrt((31 - 29^2 / 100) / 100^2) = 0.0475.
  EXPECT_NEAR(result.interval.low, 0.29 - 1.96 * 0.0475, 0.02);
  EXPECT_NEAR(result.interval.high, 0.29 + 1.96 * 0.0475, 0.02);
  const PairedComparison same = compare_paired(a, a);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.interval.low, 0);
  EXPECT_EQ(same.interval.high, 0);
}

TEST(PairedTest, BootstrapRepeatsBySeed) {
  const std::vector<double> a{1, 0, 1, 1, 0, 0.5, 1}, b{0, 0, 1, 0, 1, 0.5, 0};
  EXPECT_EQ(bootstrap_difference(a, b, 3).low, bootstrap_difference(a, b, 3).low);
  EXPECT_LT(bootstrap_difference(a, b).low, bootstrap_difference(a, b).high);
}

TEST(QuantileTest, InterpolatesBetweenNeighbours) {
  const std::vector<double> values{4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(median(values), 2.5);
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 3.7);
  EXPECT_DOUBLE_EQ(median({}), 0);
  EXPECT_DOUBLE_EQ(mean(values), 2.5);
  EXPECT_DOUBLE_EQ(mean({}), 0);
}

}  // namespace
}  // namespace lathe::evaluation
