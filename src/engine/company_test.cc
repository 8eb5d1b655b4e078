// Results do not depend on company: the same request gives the same bits alone, in a batch, in
// chunks, after preemption, with the prefix cache warm and beside other tenants' adapters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/engine.h"
#include "engine/test_model.h"
#include "os/thread_pool.h"
#include "tensor/arena.h"

namespace lathe::engine {
namespace {

using testing::Tenant;

constexpr unsigned kSeed = 23;

struct Work {
  std::vector<GenerationRequest> generations;
  std::vector<ScoreRequest> scores;
};

// Requests of all kinds: five sets of adapters, greedy and sampled, with prompts that begin alike.
Work make_work(const models::Decoder& decoder) {
  std::mt19937 random(kSeed);
  const std::vector<Adapters> tenants = {
      nullptr, Tenant::make(decoder, 4, 0, 1), Tenant::make(decoder, 2, 5, 2),
      Tenant::make(decoder, 8, 19, 3), Tenant::make_whole(decoder, 4)};
  const std::vector<std::int32_t> common = testing::random_tokens(40, random);
  Work work;
  for (std::size_t i = 0; i < 20; ++i) {
    GenerationRequest request;
    request.adapters = tenants[i % tenants.size()];
    if (request.adapters != nullptr && request.adapters->soft_prompt != nullptr) {
      const auto rows = static_cast<std::int32_t>(request.adapters->soft_prompt->rows);
      for (std::int32_t row = 0; row < rows; ++row) request.prompt.push_back(-1 - row);
    }
    if (i % 3 != 0) {
      request.prompt.insert(request.prompt.end(), common.begin(),
                            common.begin() + static_cast<std::ptrdiff_t>(10 + random() % 31));
    }
    const auto own = testing::random_tokens(1 + random() % 50, random);
    request.prompt.insert(request.prompt.end(), own.begin(), own.end());
    request.max_tokens = 5 + random() % 40;
    request.ignore_eos = true;
    request.sampling.logprobs = 3;
    request.sampling.seed = i;
    if (i % 4 == 3) {
      request.sampling.temperature = 0.9;
      request.sampling.top_p = 0.95;
      request.sampling.repetition_penalty = 1.2;
    }
    work.scores.push_back({request.prompt, request.prompt.size(), request.adapters});
    const auto scored = testing::random_tokens(1 + random() % 30, random);
    work.scores.back().tokens.insert(work.scores.back().tokens.end(), scored.begin(), scored.end());
    work.generations.push_back(std::move(request));
  }
  return work;
}

// Everything that must not change, log-probabilities to the bit.
struct Outcome {
  std::vector<std::int32_t> tokens;
  std::string text;
  std::vector<float> logprobs;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(const Answer& answer) {
  Outcome outcome = {answer.tokens, answer.text, {}};
  for (const decode::Sample& sample : answer.logprobs) {
    outcome.logprobs.push_back(sample.logprob);
    for (const decode::TokenLogprob& top : sample.top) outcome.logprobs.push_back(top.logprob);
  }
  return outcome;
}

class CompanyTest : public ::testing::Test {
 protected:
  explicit CompanyTest(std::shared_ptr<const models::Decoder> decoder = testing::tiny_decoder())
      : decoder_(std::move(decoder)) {}

  std::unique_ptr<Engine> start(const EngineOptions& options, Parallel& parallel) {
    return Engine::start(decoder_, tokenizer_, parallel, options).value();
  }

  // Each request alone in an engine of its own, its prompt in one pass.
  std::vector<Outcome> alone() {
    SerialParallel serial;
    std::vector<Outcome> outcomes;
    for (const GenerationRequest& request : work_.generations) {
      const auto engine = start({.max_sequences = 1, .prefix_cache = false}, serial);
      outcomes.push_back(outcome_of(engine->generate(request).value()));
    }
    for (const ScoreRequest& request : work_.scores) {
      const auto engine = start({.max_sequences = 1, .prefix_cache = false}, serial);
      outcomes.push_back({{}, {}, engine->score(request).value().logprobs});
    }
    return outcomes;
  }

  // All at once, generations and scores interleaved.
  std::vector<Outcome> together(Engine& engine) {
    std::vector<std::shared_ptr<Generation>> generations;
    std::vector<std::shared_ptr<Scoring>> scorings;
    for (std::size_t i = 0; i < work_.generations.size(); ++i) {
      generations.push_back(engine.submit(work_.generations[i]).value());
      scorings.push_back(engine.submit(work_.scores[i]).value());
    }
    std::vector<Outcome> outcomes;
    for (const auto& generation : generations) outcomes.push_back(outcome_of(generation->wait()));
    for (const auto& scoring : scorings) {
      outcomes.push_back({{}, {}, scoring->wait().value().logprobs});
    }
    return outcomes;
  }

  void expect_same(const std::vector<Outcome>& actual) {
    ASSERT_EQ(actual.size(), expected_.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].tokens, expected_[i].tokens) << "request " << i << ", seed " << kSeed;
      EXPECT_TRUE(actual[i] == expected_[i]) << "request " << i << ", seed " << kSeed;
    }
  }

  std::shared_ptr<const models::Decoder> decoder_;
  text::Tokenizer tokenizer_ = testing::byte_tokenizer();
  Work work_ = make_work(*decoder_);
  std::vector<Outcome> expected_ = alone();
  os::ThreadPool threads_{2};
};

TEST_F(CompanyTest, TheWorkIsWorthComparing) {
  std::vector<std::int32_t> distinct;
  for (const Outcome& outcome : expected_) {
    distinct.insert(distinct.end(), outcome.tokens.begin(), outcome.tokens.end());
  }
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  EXPECT_GT(distinct.size(), 50u) << "answers that hardly differ prove little";
  // The same prompt under other adapters is answered otherwise.
  GenerationRequest request = work_.generations[1];
  request.adapters = nullptr;
  const auto engine = start({}, threads_);
  EXPECT_NE(outcome_of(engine->generate(request).value()).logprobs, expected_[1].logprobs);
}

TEST_F(CompanyTest, BatchedWithTheAdaptersOfOthers) {
  const auto engine = start({.max_sequences = 16, .prefix_cache = false}, threads_);
  expect_same(together(*engine));
}

TEST_F(CompanyTest, InSmallChunks) {
  for (const std::size_t rows : {1, 7, 16}) {
    const auto engine =
        start({.max_sequences = 5, .prefill_rows = rows, .prefix_cache = false}, threads_);
    expect_same(together(*engine));
  }
}

TEST_F(CompanyTest, WithThePrefixCacheColdAndWarm) {
  const auto engine = start({.max_sequences = 8, .prefill_rows = 24}, threads_);
  expect_same(together(*engine));
  const auto cold = engine->stats().cached_tokens;
  expect_same(together(*engine));
  EXPECT_GT(engine->stats().cached_tokens - cold, 300u);
}

TEST_F(CompanyTest, WithSoFewPagesThatSequencesArePreempted) {
  const std::size_t page_bytes = decoder_->kv_shape().page_bytes(kernels::KvType::f16);
  for (const bool prefix_cache : {true, false}) {
    const auto engine = start({.max_sequences = 12,
                               .prefill_rows = 32,
                               .kv_bytes = 16 * page_bytes,
                               .prefix_cache = prefix_cache},
                              threads_);
    expect_same(together(*engine));
    EXPECT_GT(engine->stats().preemptions, 0u);
  }
}

TEST_F(CompanyTest, WithEachWayOfKeepingKeysAndValues) {
  for (const kernels::KvType type : kernels::kKvTypes) {
    const auto alone =
        start({.max_sequences = 1, .kv_type = type, .prefix_cache = false}, threads_);
    expected_ = together(*alone);
    const auto engine = start({.max_sequences = 12, .prefill_rows = 24, .kv_type = type}, threads_);
    expect_same(together(*engine));
    expect_same(together(*engine));
  }
}

// The engine against the model itself: whole sequences, no cache, one at a time. Attention sums in
// another order there. These weights are large, so that log-probabilities reach -30 and a rounding
// of 2^-24 grows some hundred times on its way: a few 1e-4. Keys and values in f16 are roundings of
// 2^-12, prompts in bf16 on tiles of 2^-9: on average they come to no more than as many times as
// much.
TEST_F(CompanyTest, ScoresAreThoseOfThePlainForwardPass) {
  tensor::Arena arena;
  ops::Run run(kernels::active(), threads_, arena);
  const auto exact =
      start({.kv_type = kernels::KvType::f32, .activations = ops::Activations::f32}, threads_);
  const auto exact_scores = exact->score_all(work_.scores);
  double exact_error = 0, rounded_error = 0;
  for (std::size_t i = 0; i < work_.scores.size(); ++i) {
    const ScoreRequest& request = work_.scores[i];
    models::Batch batch;
    batch.add(request.tokens).adapters = request.adapters.get();
    for (std::size_t row = request.first - 1; row + 1 < request.tokens.size(); ++row) {
      batch.outputs.push_back(static_cast<std::int32_t>(row));
    }
    const ops::Value logits = decoder_->forward(run, batch);
    const std::vector<float>& scores = exact_scores[i]->logprobs;
    const std::vector<float>& rounded = expected_[work_.generations.size() + i].logprobs;
    ASSERT_EQ(scores.size(), logits.rows);
    for (std::size_t row = 0; row < logits.rows; ++row) {
      const double expected = decode::log_probability({logits.row(row), logits.columns},
                                                      request.tokens[request.first + row]);
      EXPECT_NEAR(scores[row], expected, 1e-3) << "request " << i << ", row " << row;
      exact_error += std::fabs(scores[row] - expected);
      rounded_error += std::fabs(rounded[row] - expected);
    }
    arena.reset();
  }
  const bool on_tiles = kernels::active().attend_tiles != nullptr;
  EXPECT_LT(rounded_error, exact_error * (on_tiles ? 0x1p15 : 0x1p12));
}

// Models whose rotary angles depend on the length of the text: many prompts here and most answers
// are longer than the 64 positions that these were trained with.
class LongTextTest : public CompanyTest {
 protected:
  explicit LongTextTest(formats::RopeScaling scaling)
      : CompanyTest(testing::tiny_decoder(std::move(scaling))) {}

  void expect_same_in_any_company() {
    for (const std::size_t rows : {1, 7, 24}) {
      const auto engine = start({.max_sequences = 8, .prefill_rows = rows}, threads_);
      expect_same(together(*engine));
      const auto cold = engine->stats().cached_tokens;
      expect_same(together(*engine));  // what the prefix cache knows has the right angles
      EXPECT_GT(engine->stats().cached_tokens, cold);
    }
    const std::size_t page_bytes = decoder_->kv_shape().page_bytes(kernels::KvType::f16);
    const auto tight =
        start({.max_sequences = 12, .prefill_rows = 32, .kv_bytes = 16 * page_bytes}, threads_);
    expect_same(together(*tight));
    EXPECT_GT(tight->stats().preemptions, 0u);
  }
};

// Packed weights: rows of prompts and drawn rows are computed in ways of their own.
class PackedCompanyTest : public CompanyTest, public ::testing::WithParamInterface<tensor::DType> {
 protected:
  PackedCompanyTest() : CompanyTest(testing::packed_decoder(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(Types, PackedCompanyTest,
                         ::testing::Values(tensor::DType::q8_0, tensor::DType::f16,
                                           tensor::DType::bf16),
                         [](const auto& type) {
                           return std::string(tensor::to_string(type.param));
                         });

TEST_P(PackedCompanyTest, GivesTheSameInAnyCompany) {
  for (const std::size_t rows : {1, 7, 64}) {
    const auto engine = start({.max_sequences = 8, .prefill_rows = rows}, threads_);
    expect_same(together(*engine));
    const auto cold = engine->stats().cached_tokens;
    expect_same(together(*engine));
    EXPECT_GT(engine->stats().cached_tokens, cold);
  }
}

TEST_P(PackedCompanyTest, ComputesAgainWhatWasPreempted) {
  const std::size_t page_bytes = decoder_->kv_shape().page_bytes(kernels::KvType::f16);
  const auto engine =
      start({.max_sequences = 12, .prefill_rows = 32, .kv_bytes = 16 * page_bytes}, threads_);
  expect_same(together(*engine));
  EXPECT_GT(engine->stats().preemptions, 0u);
}

// An answer goes on as a prompt with the same tokens: the prefix cache must not mix the two.
TEST_P(PackedCompanyTest, AConversationGoesOnAsIfItBegan) {
  const auto engine = start({.max_sequences = 2}, threads_);
  for (const GenerationRequest& first : work_.generations) {
    if (first.adapters != nullptr) continue;
    const Answer answer = engine->generate(first).value();
    GenerationRequest second = first;
    second.prompt.insert(second.prompt.end(), answer.tokens.begin(), answer.tokens.end());
    SerialParallel serial;
    const auto fresh = start({.max_sequences = 1, .prefix_cache = false}, serial);
    EXPECT_TRUE(outcome_of(engine->generate(second).value()) ==
                outcome_of(fresh->generate(second).value()))
        << "seed " << kSeed;
  }
}

class DynamicRopeTest : public LongTextTest {
 protected:
  DynamicRopeTest()
      : LongTextTest({.kind = formats::RopeScaling::Kind::dynamic, .factor = 4, .factors = {}}) {}
};
TEST_F(DynamicRopeTest, GivesTheSameInAnyCompany) { expect_same_in_any_company(); }

class LongRopeTest : public LongTextTest {
 protected:
  LongRopeTest()
      : LongTextTest({.kind = formats::RopeScaling::Kind::longrope,
                      .original_positions = 64,
                      .factors = {1, 1, 1, 1},
                      .long_factors = {1, 2, 3, 4}}) {}
};
TEST_F(LongRopeTest, GivesTheSameInAnyCompany) { expect_same_in_any_company(); }

TEST_F(CompanyTest, GreedyTokensAreTheMostLikelyOnes) {
  for (std::size_t i = 0; i < work_.generations.size(); ++i) {
    if (work_.generations[i].sampling.temperature > 0) continue;
    const Outcome& outcome = expected_[i];
    for (std::size_t t = 0; t < outcome.tokens.size(); ++t) {
      EXPECT_EQ(outcome.logprobs[4 * t], outcome.logprobs[4 * t + 1]);
    }
  }
}

}  // namespace
}  // namespace lathe::engine
