#include "decode/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

namespace lathe::decode {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::int32_t one(const SamplingOptions& options, std::span<const float> logits,
                 std::span<const std::int32_t> prompt = {}) {
  SamplerScratch scratch;
  Sampler sampler(options, prompt);
  const auto sample = sampler.next(logits, scratch);
  EXPECT_TRUE(sample.ok());
  return sample.ok() ? sample->token : -1;
}

// How often each token is drawn.
std::map<std::int32_t, double> frequencies(SamplingOptions options, std::span<const float> logits,
                                           int draws = 20000) {
  options.seed = 7;
  SamplerScratch scratch;
  Sampler sampler(options, {});
  std::map<std::int32_t, double> counts;
  for (int i = 0; i < draws; ++i)
    counts[sampler.next(logits, scratch).value().token] += 1.0 / draws;
  return counts;
}

std::set<std::int32_t> support(const SamplingOptions& options, std::span<const float> logits) {
  std::set<std::int32_t> tokens;
  for (const auto& [token, share] : frequencies(options, logits, 4000)) tokens.insert(token);
  return tokens;
}

// Logits whose softmax is these probabilities.
std::vector<float> logits_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Greedy, TakesTheGreatestLogitAndTheLowestIdOnTies) {
  EXPECT_EQ(one({}, std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(one({}, std::vector<float>{-5, -4, -4}), 1);
  EXPECT_EQ(one({}, std::vector<float>{kNan, -1, kInfinity, -kInfinity}), 2);
  EXPECT_EQ(one({}, std::vector<float>{kNan, -kInfinity, -7}), 2);
}

// Vocabularies that are no multiple of what is looked at together, with ties and unusable logits.
TEST(Greedy, IsThatOfAPlainLoop) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> logits(1 + random() % 3000);
    for (float& x : logits) {
      x = static_cast<float>(random() % 50) - 60;
      if (random() % 8 == 0) x = random() % 2 == 0 ? kNan : -kInfinity;
    }
    std::size_t best = logits.size();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const bool usable = !std::isnan(logits[i]) && logits[i] != -kInfinity;
      if (usable && (best == logits.size() || logits[i] > logits[best])) best = i;
    }
    if (best < logits.size()) {
      ASSERT_EQ(one({}, logits), static_cast<std::int32_t>(best));
    }
  }
}

TEST(Sampler, SaysWhenNoLogitIsUsable) {
  const std::vector<float> logits = {kNan, -kInfinity};
  SamplerScratch scratch;
  for (const double temperature : {0.0, 1.0}) {
    SamplingOptions options;
    options.temperature = temperature;
    const auto sample = Sampler(options, {}).next(logits, scratch);
    ASSERT_FALSE(sample.ok());
    EXPECT_EQ(sample.error().kind, ErrorKind::internal);
  }
}

TEST(Temperature, DrawsBySoftmaxOfTheScaledLogits) {
  const std::vector<float> logits = logits_of({0.5, 0.3, 0.15, 0.05});
  SamplingOptions options;
  options.temperature = 1;
  auto drawn = frequencies(options, logits);
  EXPECT_NEAR(drawn[0], 0.5, 0.015);
  EXPECT_NEAR(drawn[1], 0.3, 0.015);
  EXPECT_NEAR(drawn[2], 0.15, 0.015);
  EXPECT_NEAR(drawn[3], 0.05, 0.015);

  options.temperature = 0.5;  // squares the probabilities
  const double sum = 0.25 + 0.09 + 0.0225 + 0.0025;
  drawn = frequencies(options, logits);
  EXPECT_NEAR(drawn[0], 0.25 / sum, 0.015);
  EXPECT_NEAR(drawn[1], 0.09 / sum, 0.015);

  options.temperature = 1e-300;  // as good as greedy, and no overflow on the way
  EXPECT_EQ(support(options, logits), (std::set<std::int32_t>{0}));
}

TEST(TopK, KeepsTheKBestWithTiesById) {
  SamplingOptions options;
  options.temperature = 1;
  options.top_k = 2;
  EXPECT_EQ(support(options, std::vector<float>{1, 2, 2, 2}), (std::set<std::int32_t>{1, 2}));
  options.top_k = 100;
  EXPECT_EQ(support(options, std::vector<float>{1, 2, 2, 2}).size(), 4u);
}

TEST(TopP, KeepsTheFewestBestWhoseMassReachesP) {
  const std::vector<float> logits = logits_of({0.1, 0.5, 0.15, 0.25});
  SamplingOptions options;
  options.temperature = 1;
  options.top_p = 0.74;
  EXPECT_EQ(support(options, logits), (std::set<std::int32_t>{1, 3}));
  options.top_p = 0.76;
  EXPECT_EQ(support(options, logits), (std::set<std::int32_t>{1, 2, 3}));
  options.top_p = 0;
  EXPECT_EQ(support(options, logits), (std::set<std::int32_t>{1}));
  auto drawn = frequencies({.temperature = 1, .top_p = 0.74}, logits);
  EXPECT_NEAR(drawn[1], 2.0 / 3, 0.015);
}

TEST(TopP, CountsItsMassAfterTopK) {
  SamplingOptions options;
  options.temperature = 1;
  options.top_k = 2;
  options.top_p = 0.6;  // of 0.5 + 0.25, the best alone has two thirds
  EXPECT_EQ(support(options, logits_of({0.1, 0.5, 0.15, 0.25})), (std::set<std::int32_t>{1}));
}

TEST(MinP, KeepsWhatIsLikelyEnoughBesideTheBest) {
  SamplingOptions options;
  options.temperature = 1;
  options.min_p = 0.25;
  EXPECT_EQ(support(options, logits_of({0.1, 0.5, 0.14, 0.26})), (std::set<std::int32_t>{1, 2, 3}));
}

TEST(Sampler, IsTheSameWithFiltersThatLetEverythingThrough) {
  // A property over random logits: top_k = n and top_p just under 1 sort the candidates, which must
  // not change how likely each is.
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> logits(50);
  for (float& x : logits) x = normal(random);
  auto plain = frequencies({.temperature = 1}, logits);
  auto sorted = frequencies({.temperature = 1, .top_p = 1 - 1e-12}, logits);
  for (std::int32_t token = 0; token < 50; ++token) {
    EXPECT_NEAR(plain[token], sorted[token], 0.02) << token;
  }
}

TEST(Seed, RepeatsTheDrawsAndOtherSeedsDiffer) {
  const std::vector<float> logits(100, 0.0f);
  const auto draws = [&](std::uint64_t seed) {
    SamplingOptions options;
    options.temperature = 1;
    options.seed = seed;
    SamplerScratch scratch;
    Sampler sampler(options, {});
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(sampler.next(logits, scratch).value().token);
    return tokens;
  };
  EXPECT_EQ(draws(3), draws(3));
  EXPECT_NE(draws(3), draws(4));
}

TEST(Bias, IsAddedBeforeTheChoice) {
  SamplingOptions options;
  options.logit_bias = {{0, 3.0f}, {2, -100.0f}};
  EXPECT_EQ(one(options, std::vector<float>{1, 3, 9}), 0);
}

TEST(RepetitionPenalty, DividesPositiveAndMultipliesNegativeLogitsOfPromptTokens) {
  SamplingOptions options;
  options.repetition_penalty = 2;
  const std::vector<std::int32_t> prompt = {0, -1};  // a soft prompt's token counts for nothing
  EXPECT_EQ(one(options, std::vector<float>{4, 2.5f, 0}, prompt), 1);
  EXPECT_EQ(one(options, std::vector<float>{-2, -3, -9}, prompt), 1);
  EXPECT_EQ(one(options, std::vector<float>{-2, -5, -9}, prompt), 0);
}

TEST(Penalties, CountTheAnswerAndNotThePrompt) {
  SamplerScratch scratch;
  const std::vector<float> logits = {3, 2.4f, 0};
  const std::vector<std::int32_t> prompt = {0, 0, 0};
  const auto answer = [&](const SamplingOptions& options) {
    Sampler sampler(options, prompt);
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 4; ++i) tokens.push_back(sampler.next(logits, scratch).value().token);
    return tokens;
  };
  // Presence: 3 -> 2 once, then 2.4 -> 1.4 once, then nothing changes.
  EXPECT_THAT(answer({.presence_penalty = 1}), testing::ElementsAre(0, 1, 0, 0));
  // Frequency: 3, 2.4 | 2, 2.4 | 2, 1.4 | 1, 1.4.
  EXPECT_THAT(answer({.frequency_penalty = 1}), testing::ElementsAre(0, 1, 0, 1));
}

TEST(Logprobs, AreTheModelsOwn) {
  SamplingOptions options;
  options.logprobs = 2;
  options.logit_bias = {{3, 100.0f}};
  SamplerScratch scratch;
  const Sample sample =
      Sampler(options, {}).next(logits_of({0.1, 0.5, 0.15, 0.25}), scratch).value();
  EXPECT_EQ(sample.token, 3);
  EXPECT_NEAR(sample.logprob, std::log(0.25), 1e-6);
  ASSERT_EQ(sample.top.size(), 2u);
  EXPECT_EQ(sample.top[0].token, 1);
  EXPECT_NEAR(sample.top[0].logprob, std::log(0.5), 1e-6);
  EXPECT_EQ(sample.top[1].token, 3);
  EXPECT_TRUE(Sampler({}, {}).next(logits_of({0.5, 0.5}), scratch).value().top.empty());
}

TEST(LogProbability, HandlesLogitsFarFromZero) {
  const std::vector<float> logits = {1000, 1000, -kInfinity};
  EXPECT_NEAR(log_probability(logits, 1), -std::log(2.0), 1e-9);
  EXPECT_EQ(log_probability(logits, 2), -std::numeric_limits<double>::infinity());
}

TEST(Options, RangesAreCheckedByName) {
  const auto refused = [](const SamplingOptions& options, const std::string& field) {
    const Status status = check(options, 10);
    return !status.ok() && status.error().where.find(field) != std::string::npos;
  };
  EXPECT_TRUE(check({}, 10).ok());
  EXPECT_TRUE(refused({.temperature = -0.1}, "temperature"));
  EXPECT_TRUE(refused({.temperature = std::nan("")}, "temperature"));
  EXPECT_TRUE(refused({.top_k = -1}, "top_k"));
  EXPECT_TRUE(refused({.top_p = 1.01}, "top_p"));
  EXPECT_TRUE(refused({.min_p = -1}, "min_p"));
  EXPECT_TRUE(refused({.repetition_penalty = 0}, "repetition_penalty"));
  EXPECT_TRUE(refused({.presence_penalty = 3}, "presence_penalty"));
  EXPECT_TRUE(refused({.frequency_penalty = -3}, "frequency_penalty"));
  EXPECT_TRUE(refused({.logit_bias = {{10, 1.0f}}}, "logit_bias"));
  EXPECT_TRUE(refused({.logit_bias = {{1, 101.0f}}}, "logit_bias"));
  EXPECT_TRUE(refused({.logprobs = 21}, "logprobs"));
}

}  // namespace
}  // namespace lathe::decode
