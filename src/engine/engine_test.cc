#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/test_model.h"

namespace lathe::engine {
namespace {

using ::testing::HasSubstr;

// Writes down the events and can stop the engine's thread at the first token.
class RecordingSink : public GenerationSink {
 public:
  void on_start() override { ++starts; }
  void on_token(const Delta& delta) override {
    text += delta.text;
    tokens.push_back(delta.token);
    logprobs += delta.logprobs != nullptr;
    if (hold) {
      std::unique_lock lock(mutex);
      reached = true;
      changed.notify_all();
      changed.wait(lock, [this] { return released; });
    }
    if (on_each) on_each();
  }
  void on_end(const Answer& answer) override {
    ++ends;
    reason = answer.reason;
  }
  bool congested() const override { return congest; }

  void wait_until_reached() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return reached; });
  }
  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }

  std::string text;
  std::vector<std::int32_t> tokens;
  int starts = 0, ends = 0, logprobs = 0;
  FinishReason reason = FinishReason::error;
  std::function<void()> on_each;
  std::atomic<bool> congest{false};
  bool hold = false;

 private:
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false, released = false;
};

class EngineTest : public ::testing::Test {
 protected:
  void start(const EngineOptions& options = {}) {
    engine_ = Engine::start(decoder_, tokenizer_, parallel_, options).value();
  }
  GenerationRequest request(const std::string& prompt = "Hello, world", std::size_t tokens = 12) {
    GenerationRequest r;
    r.prompt = tokenizer_.encode(prompt).value();
    r.max_tokens = tokens;
    r.ignore_eos = true;
    return r;
  }

  std::shared_ptr<const models::Decoder> decoder_ = testing::tiny_decoder();
  text::Tokenizer tokenizer_ = testing::byte_tokenizer();
  SerialParallel parallel_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, AnswersWithTextTokensUsageAndTimes) {
  start();
  const auto sink = std::make_shared<RecordingSink>();
  const auto generation = engine_->submit(request(), sink).value();
  const Answer& answer = generation->wait();
  EXPECT_TRUE(generation->finished());
  EXPECT_EQ(answer.reason, FinishReason::length);
  EXPECT_EQ(answer.tokens.size(), 12u);
  EXPECT_EQ(answer.text, tokenizer_.decode(answer.tokens));
  EXPECT_EQ(answer.usage.prompt_tokens, 12u);
  EXPECT_EQ(answer.usage.completion_tokens, 12u);
  EXPECT_GT(answer.timing.first_token, 0);
  EXPECT_NEAR(answer.timing.first_token, answer.timing.queued + answer.timing.prefill, 1e-9);
  EXPECT_GE(answer.timing.total, answer.timing.first_token);
  EXPECT_TRUE(answer.logprobs.empty());
  EXPECT_EQ(sink->starts, 1);
  EXPECT_EQ(sink->ends, 1);
  EXPECT_EQ(sink->text, answer.text);
  EXPECT_EQ(sink->tokens, answer.tokens);
  EXPECT_EQ(sink.use_count(), 1) << "the engine lets go of the sink";
}

TEST_F(EngineTest, EndsAtEndOfSequence) {
  const std::int32_t first = [&] {
    start();
    return engine_->generate(request()).value().tokens[0];
  }();
  start({.eos_ids = {first}});
  GenerationRequest r = request();
  r.ignore_eos = false;
  const Answer answer = engine_->generate(r).value();
  EXPECT_EQ(answer.reason, FinishReason::stop);
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.usage.completion_tokens, 1u);
  r.ignore_eos = true;
  EXPECT_EQ(engine_->generate(r).value().reason, FinishReason::length);
}

TEST_F(EngineTest, EndsBeforeAStopString) {
  start();
  GenerationRequest r = request("Hello, world", 60);
  r.sampling.logit_bias = {};
  // Only letters, so that there is text to stop at.
  for (std::int32_t token = 0; token < 257; ++token) {
    const std::string_view bytes = tokenizer_.token_bytes(token);
    if (bytes.size() != 1 || bytes[0] < 'a' || bytes[0] > 'z') {
      r.sampling.logit_bias.push_back({token, -100.0f});
    }
  }
  for (std::int32_t token = 257; token < 260; ++token) {
    r.sampling.logit_bias.push_back({token, -100.0f});
  }
  const Answer whole = engine_->generate(r).value();
  ASSERT_EQ(whole.text.size(), 60u);
  r.stop = {whole.text.substr(20, 3)};
  const Answer stopped = engine_->generate(r).value();
  EXPECT_EQ(stopped.reason, FinishReason::stop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(r.stop[0])));
}

TEST_F(EngineTest, SamplesDifferentlyWithoutASeedAndAlikeWithIt) {
  start();
  GenerationRequest r = request("Hello", 40);
  r.sampling.temperature = 1.5;
  r.sampling.logprobs = 0;
  const Answer one = engine_->generate(r).value();
  const Answer two = engine_->generate(r).value();
  EXPECT_NE(one.tokens, two.tokens);
  EXPECT_EQ(one.logprobs.size(), 40u);
  r.sampling.seed = one.seed;
  EXPECT_EQ(engine_->generate(r).value().tokens, one.tokens);
}

TEST_F(EngineTest, RefusesWhatCouldNeverFitWithTheCounts) {
  start();
  EXPECT_EQ(engine_->capacity(), 256u);
  auto refused = engine_->submit(request(std::string(200, 'x'), 57));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  EXPECT_THAT(refused.error().message(), HasSubstr("200"));
  EXPECT_THAT(refused.error().message(), HasSubstr("57"));
  EXPECT_THAT(refused.error().message(), HasSubstr("256"));
  EXPECT_THAT(refused.error().message(), HasSubstr("at most 56"));

  GenerationRequest open = request(std::string(256, 'x'));
  open.max_tokens.reset();
  EXPECT_EQ(engine_->submit(open).error().kind, ErrorKind::limit);
  open.prompt.resize(200);
  EXPECT_EQ(engine_->generate(open).value().tokens.size(), 56u) << "to the end of the context";

  start({.kv_bytes = 4 * decoder_->kv_shape().page_bytes(kernels::KvType::f16)});
  EXPECT_EQ(engine_->capacity(), 64u);
  refused = engine_->submit(request(std::string(60, 'x'), 5));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("64"));
  EXPECT_TRUE(engine_->generate(request(std::string(60, 'x'), 4)).ok());
}

TEST_F(EngineTest, RefusesBadRequestsAtOnce) {
  start();
  const auto kind = [&](auto change) {
    GenerationRequest r = request();
    change(r);
    const auto result = engine_->submit(r);
    return result.ok() ? std::optional<ErrorKind>() : result.error().kind;
  };
  EXPECT_EQ(kind([](auto& r) { r.prompt.clear(); }), ErrorKind::bad_input);
  EXPECT_EQ(kind([](auto& r) { r.prompt[3] = 260; }), ErrorKind::bad_input);
  EXPECT_EQ(kind([](auto& r) { r.prompt[3] = -1; }), ErrorKind::bad_input);
  EXPECT_EQ(kind([](auto& r) { r.max_tokens = 0; }), ErrorKind::bad_input);
  EXPECT_EQ(kind([](auto& r) { r.stop = {""}; }), ErrorKind::bad_input);
  EXPECT_EQ(kind([](auto& r) { r.sampling.top_p = 2; }), ErrorKind::bad_input);
  EXPECT_EQ(kind([&](auto& r) {
              r.adapters = testing::Tenant::make(*decoder_, 2, 3, 1);
              r.prompt[0] = -4;  // a row past the soft prompt
            }),
            ErrorKind::bad_input);
  EXPECT_FALSE(engine_->submit(ScoreRequest{{1, 2, 3}, 0, nullptr}).ok());
  EXPECT_FALSE(engine_->submit(ScoreRequest{{1, 2, 3}, 3, nullptr}).ok());
  EXPECT_EQ(engine_->stats().waiting + engine_->stats().running, 0u);
}

TEST_F(EngineTest, TheQueueIsBounded) {
  start({.max_sequences = 1, .max_waiting = 1});
  const auto sink = std::make_shared<RecordingSink>();
  sink->hold = true;
  const auto running = engine_->submit(request("a", 2), sink).value();
  sink->wait_until_reached();
  const auto waiting = engine_->submit(request("b", 2)).value();
  const auto refused = engine_->submit(request("c", 2));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  sink->release();
  EXPECT_EQ(running->wait().reason, FinishReason::length);
  EXPECT_EQ(waiting->wait().reason, FinishReason::length);
  EXPECT_TRUE(engine_->generate(request("c", 2)).ok());
}

TEST_F(EngineTest, WaitingHelpersTakeMoreThanTheQueueHolds) {
  start({.max_sequences = 2, .max_waiting = 1});
  std::vector<GenerationRequest> requests;
  std::vector<ScoreRequest> scores;
  for (int i = 0; i < 20; ++i) {
    requests.push_back(request(std::string(1 + static_cast<std::size_t>(i), 'a'), 3));
    scores.push_back({requests.back().prompt, 1, nullptr});
  }
  scores[0].tokens.push_back(5);
  requests[7].prompt.clear();
  const auto answers = engine_->generate_all(requests);
  ASSERT_EQ(answers.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) {
    if (i == 7) {
      EXPECT_EQ(answers[i].error().kind, ErrorKind::bad_input);
    } else {
      EXPECT_EQ(answers[i].value().tokens, engine_->generate(requests[i]).value().tokens);
    }
  }
  for (const auto& result : engine_->score_all(scores)) EXPECT_TRUE(result.ok());
}

TEST_F(EngineTest, ScoresCompletionsAsTheProductOfTheirTokens) {
  start();
  const std::vector<std::int32_t> prompt = tokenizer_.encode("The colour is").value();
  const std::vector<std::vector<std::int32_t>> completions = {tokenizer_.encode(" red").value(),
                                                              tokenizer_.encode(" blue").value(),
                                                              tokenizer_.encode(" r").value()};
  const auto scores = engine_->score_completions(prompt, completions).value();
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].logprobs.size(), 4u);
  EXPECT_EQ(scores[0].logprobs[0], scores[2].logprobs[0]);
  EXPECT_EQ(scores[0].logprobs[1], scores[2].logprobs[1]);
  EXPECT_NEAR(scores[2].total(), scores[2].logprobs[0] + scores[2].logprobs[1], 1e-6);
  // Over all next tokens the probabilities add up to one.
  std::vector<std::vector<std::int32_t>> all;
  for (std::int32_t token = 0; token < 260; ++token) all.push_back({token});
  double sum = 0;
  const auto one_token = engine_->score_completions(prompt, all);
  for (const Scores& s : one_token.value()) sum += std::exp(s.total());
  EXPECT_NEAR(sum, 1, 1e-4);
}

TEST_F(EngineTest, CancellationEndsAnAnswerInTheMiddleAndInTheQueue) {
  start({.max_sequences = 1});
  const auto sink = std::make_shared<RecordingSink>();
  sink->hold = true;
  const auto running = engine_->submit(request("a", 200), sink).value();
  sink->wait_until_reached();
  const auto queued_sink = std::make_shared<RecordingSink>();
  const auto queued = engine_->submit(request("b", 200), queued_sink).value();
  queued->cancel();
  running->cancel();
  sink->release();
  EXPECT_EQ(running->wait().reason, FinishReason::cancelled);
  EXPECT_EQ(running->wait().tokens.size(), 1u);
  EXPECT_EQ(queued->wait().reason, FinishReason::cancelled);
  EXPECT_EQ(queued_sink->starts, 0);
  EXPECT_EQ(queued_sink->ends, 1);
  EXPECT_EQ(engine_->stats().cancelled, 2u);
  queued->cancel();  // nothing happens
}

TEST_F(EngineTest, ASinkMaySubmitAndCancel) {
  start();
  const auto sink = std::make_shared<RecordingSink>();
  std::shared_ptr<Generation> second;
  sink->on_each = [&] {
    if (second == nullptr) second = engine_->submit(request("b", 200)).value();
    if (sink->tokens.size() == 3) second->cancel();
  };
  engine_->submit(request("a", 5), sink).value()->wait();
  EXPECT_EQ(second->wait().reason, FinishReason::cancelled);
}

TEST_F(EngineTest, ACongestedReaderDoesNotHoldUpTheOthers) {
  start();
  const auto slow = std::make_shared<RecordingSink>();
  slow->on_each = [&] { slow->congest = slow->tokens.size() == 1; };
  const auto generation = engine_->submit(request("a", 4), slow).value();
  EXPECT_TRUE(engine_->generate(request("b", 30)).ok());
  EXPECT_FALSE(generation->finished());
  slow->congest = false;
  EXPECT_EQ(generation->wait().tokens.size(), 4u);
}

TEST_F(EngineTest, DrainFinishesWhatWasAcceptedAndRefusesTheRest) {
  start({.max_sequences = 2});
  std::vector<std::shared_ptr<Generation>> accepted;
  for (int i = 0; i < 6; ++i) accepted.push_back(engine_->submit(request("abc", 20)).value());
  engine_->drain();
  for (const auto& generation : accepted) {
    EXPECT_TRUE(generation->finished());
    EXPECT_EQ(generation->wait().reason, FinishReason::length);
  }
  EXPECT_EQ(engine_->submit(request()).error().kind, ErrorKind::unavailable);
}

TEST_F(EngineTest, StopCancelsWhatWasAcceptedAndHandlesOutliveTheEngine) {
  start({.max_sequences = 1});
  const auto sink = std::make_shared<RecordingSink>();
  sink->hold = true;
  const auto running = engine_->submit(request("a", 200), sink).value();
  const auto queued = engine_->submit(request("b", 200)).value();
  const auto scoring = engine_->submit(ScoreRequest{{1, 2, 3}, 1, nullptr}).value();
  sink->wait_until_reached();
  std::thread stopper([&] { engine_.reset(); });
  sink->release();
  stopper.join();
  EXPECT_EQ(running->wait().reason, FinishReason::cancelled);
  EXPECT_EQ(queued->wait().reason, FinishReason::cancelled);
  EXPECT_EQ(scoring->wait().error().kind, ErrorKind::cancelled);
}

TEST_F(EngineTest, AModelOfNaNsIsAnErrorAndNotAnAnswer) {
  auto broken = models::Decoder::make(testing::tiny_config(), 0.1f, 1).value();
  broken->parameters().front().values.assign(broken->parameters().front().values.size(), NAN);
  decoder_ = std::move(broken);
  start();
  EXPECT_EQ(engine_->generate(request()).error().kind, ErrorKind::internal);
  EXPECT_EQ(engine_->score({{1, 2, 3}, 1, nullptr}).error().kind, ErrorKind::internal);
  EXPECT_EQ(engine_->stats().failed, 2u);
}

TEST_F(EngineTest, StatsCountWhatHappened) {
  start();
  engine_->generate(request("0123456789abcdefXYZ", 5)).value();
  engine_->generate(request("0123456789abcdefXYZ", 5)).value();
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(stats.running + stats.waiting, 0u);
  EXPECT_EQ(stats.finished, 2u);
  EXPECT_EQ(stats.prompt_tokens, 38u);
  EXPECT_EQ(stats.cached_tokens, 16u);
  EXPECT_EQ(stats.generated_tokens, 10u);
  EXPECT_EQ(stats.steps, 10u);
  EXPECT_EQ(stats.rows, 19u + 3 + 8);
  EXPECT_EQ(stats.pages_used, stats.pages_cached);
  EXPECT_GT(stats.busy_seconds, 0);
}

TEST_F(EngineTest, OptionsAreChecked) {
  EXPECT_FALSE(Engine::start(decoder_, tokenizer_, parallel_, {.max_sequences = 0}).ok());
  EXPECT_FALSE(Engine::start(decoder_, tokenizer_, parallel_, {.prefill_rows = 0}).ok());
  const auto small = Engine::start(decoder_, tokenizer_, parallel_, {.kv_bytes = 100});
  EXPECT_EQ(small.error().kind, ErrorKind::limit);
}

// For the thread sanitizer, and for the promise that each accepted request ends exactly once.
TEST_F(EngineTest, ManyThreadsSubmitCancelAndRead) {
  start({.max_sequences = 4,
         .max_waiting = 8,
         .prefill_rows = 16,
         .kv_bytes = 24 * decoder_->kv_shape().page_bytes(kernels::KvType::f16)});
  std::atomic<int> accepted{0}, ended{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 15; ++i) {
        const auto sink = std::make_shared<RecordingSink>();
        auto generation =
            engine_->submit(request(std::string(1 + random() % 60, 'a'), 1 + random() % 40), sink);
        if (!generation.ok()) continue;
        ++accepted;
        if (random() % 3 == 0) (*generation)->cancel();
        (void)engine_->stats();
        (*generation)->wait();
        ended += sink->ends;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(accepted, ended);
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(stats.finished + stats.cancelled, static_cast<std::uint64_t>(accepted));
  EXPECT_EQ(stats.running + stats.waiting, 0u);
}

}  // namespace
}  // namespace lathe::engine
