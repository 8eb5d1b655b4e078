// A run that is killed in the middle (kill -9, wherever it happens to be) and resumed ends with the
// same weights, bit for bit, as one that was never interrupted.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "os/thread_pool.h"
#include "training/checkpoint.h"
#include "training/trainer.h"

namespace lathe::training {
namespace {

formats::DecoderConfig small_config() {
  formats::DecoderConfig config;
  config.vocab_size = 50;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = 64;
  config.tied_embeddings = true;
  return config;
}

std::vector<Example> random_examples(std::size_t count) {
  std::mt19937 random(5);
  std::vector<Example> examples(count);
  for (Example& example : examples) {
    const std::size_t length = 3 + random() % 30;
    for (std::size_t i = 0; i < length; ++i) {
      example.tokens.push_back(static_cast<std::int32_t>(random() % 50));
      example.weights.push_back(random() % 3 == 0 ? 0.0f : 1.0f);
    }
    example.weights.back() = 1;
  }
  return examples;
}

class ResumeTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  std::vector<Example> examples_ = random_examples(40);
  os::SystemClock clock_;

  TrainerOptions options(const char* checkpoint) const {
    TrainerOptions o;
    o.schedule.total_steps = 60;
    o.schedule.warmup_steps = 5;
    o.batch_tokens = 100;
    o.learner.rows_per_pass = 64;
    o.checkpoint = scratch_.path() / checkpoint;
    o.checkpoint_every = 3;
    o.fingerprint = "test";
    return o;
  }

  // The weights at the end of a run with so many threads.
  std::vector<float> run(const TrainerOptions& o, std::size_t threads,
                         const std::function<bool(const Progress&)>& on_step = {}) {
    const auto decoder = models::Decoder::make(small_config(), 0.1f, 3).value();
    std::vector<models::Parameter*> learning;
    for (models::Parameter& p : decoder->parameters()) {
      decoder->set_learning(p, true);
      learning.push_back(&p);
    }
    os::ThreadPool pool(threads);
    Learner learner(*decoder, {}, learning, o.learner, pool);
    result_ = train(learner, examples_, o, clock_, {on_step});
    std::vector<float> weights;
    for (const models::Parameter* p : learning) {
      weights.insert(weights.end(), p->values.begin(), p->values.end());
    }
    return weights;
  }

  Result<TrainingResult> result_ = TrainingResult();
};

TEST_F(ResumeTest, KilledRunsEndWithTheSameBits) {
  const std::vector<float> whole = run(options("whole"), 2);
  ASSERT_TRUE(result_.ok());
  const TrainerOptions o = options("killed");
  for (const int milliseconds : {5, 20, 60}) {
    const pid_t child = ::fork();
    if (child == 0) {
      run(o, 1);  // threads do not survive a fork, so the child makes its own
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
  }
  EXPECT_EQ(run(o, 2), whole);
  ASSERT_TRUE(result_.ok());
}

TEST_F(ResumeTest, StoppedRunsGoOnWhereTheyStopped) {
  const std::vector<float> whole = run(options("whole"), 1);
  const TrainerOptions o = options("stopped");
  run(o, 2, [](const Progress& p) { return p.step != 31; });
  ASSERT_TRUE(result_.ok());
  EXPECT_TRUE(result_->stopped);
  EXPECT_EQ(result_->steps, 31);
  EXPECT_EQ(run(o, 3), whole);
  EXPECT_EQ(result_->resumed_from, 31);
}

TEST_F(ResumeTest, AnotherRunsCheckpointIsRefused) {
  TrainerOptions o = options("other");
  run(o, 1, [](const Progress& p) { return p.step != 4; });
  o.schedule.peak = 0.5f;
  run(o, 1);
  ASSERT_FALSE(result_.ok());
  EXPECT_EQ(result_.error().kind, ErrorKind::bad_input);
}

TEST_F(ResumeTest, ADamagedCheckpointIsAnErrorAndNotAFreshStart) {
  const TrainerOptions o = options("damaged");
  ASSERT_TRUE(os::write_file_atomically(o.checkpoint, "half a che").ok());
  run(o, 1);
  EXPECT_FALSE(result_.ok());
}

TEST_F(ResumeTest, LossFalls) {
  double first = 0;
  run(options("falls"), 2, [&](const Progress& p) {
    if (p.step == 1) first = p.loss;
    return true;
  });
  ASSERT_TRUE(result_.ok());
  EXPECT_LT(result_->loss, first * 0.9);
}

TEST(Schedule, WarmsUpAndFalls) {
  Schedule s;
  s.peak = 1;
  s.floor = 0.1f;
  s.warmup_steps = 4;
  s.total_steps = 104;
  EXPECT_FLOAT_EQ(s.at(0), 0.25f);
  EXPECT_FLOAT_EQ(s.at(3), 1.0f);
  EXPECT_FLOAT_EQ(s.at(54), 0.55f);
  EXPECT_NEAR(s.at(104), 0.1f, 1e-6f);
}

}  // namespace
}  // namespace lathe::training
