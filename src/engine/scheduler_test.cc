#include "engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_model.h"

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;

// Draws `length` tokens (always token 1) and writes down what is asked of it.
class FakeTask : public Task {
 public:
  explicit FakeTask(std::size_t length) : left_(length) {}

  Rows rows(std::size_t tokens) const override { return {tokens, tokens - 1}; }
  bool cancelled() const override { return cancel; }
  bool congested() const override { return congest; }
  void start(std::size_t cached) override {
    ++starts;
    cached_rows = cached;
  }
  Step take(std::size_t row, std::span<const float>, decode::SamplerScratch&) override {
    taken.push_back(row);
    Step step = {1, {}};
    if (--left_ == 0) step.ending = Ending{FinishReason::length};
    return step;
  }
  void end(Ending ending) override { reason = ending.reason; }

  bool cancel = false;
  bool congest = false;
  int starts = 0;
  std::size_t cached_rows = 0;
  std::vector<std::size_t> taken;
  std::optional<FinishReason> reason;

 private:
  std::size_t left_;
};

// Wants the logits of every row from `first` on.
class FakeScoring : public FakeTask {
 public:
  FakeScoring(std::size_t tokens, std::size_t first)
      : FakeTask(tokens - 1 - first), first_(first) {}
  Rows rows(std::size_t tokens) const override { return {tokens - 1, first_}; }
  Step take(std::size_t row, std::span<const float> logits,
            decode::SamplerScratch& scratch) override {
    Step step = FakeTask::take(row, logits, scratch);
    step.next.reset();
    return step;
  }

 private:
  std::size_t first_;
};

class SchedulerTest : public ::testing::Test {
 protected:
  void make(SchedulerOptions options) {
    scheduler_ = std::make_unique<Scheduler>(*decoder_, parallel_, options);
  }
  template <class T>
  std::shared_ptr<T> add(std::shared_ptr<T> task, std::vector<std::int32_t> prompt) {
    auto sequence = std::make_unique<Sequence>();
    sequence->tokens = std::move(prompt);
    sequence->task = task;
    scheduler_->add(std::move(sequence));
    return task;
  }
  std::shared_ptr<FakeTask> add(std::size_t prompt, std::size_t length) {
    return add(std::make_shared<FakeTask>(length), testing::random_tokens(prompt, random_));
  }
  // Rows of the next pass.
  std::uint64_t step() {
    const std::uint64_t before = scheduler_->stats().rows;
    scheduler_->step();
    for (auto& ended : scheduler_->take_ended()) ended.task->end(std::move(ended.ending));
    return scheduler_->stats().rows - before;
  }
  void run_all() {
    for (int i = 0; scheduler_->size() > 0; ++i) {
      ASSERT_LT(i, 10000) << "no end in sight";
      step();
    }
  }

  std::mt19937 random_{3};
  std::shared_ptr<const models::Decoder> decoder_ = testing::tiny_decoder();
  SerialParallel parallel_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, RunsPromptsInChunksBesideSequencesThatDraw) {
  make({.max_sequences = 4, .prefill_rows = 32, .pages = 64});
  const auto first = add(20, 10);
  EXPECT_EQ(step(), 20u);
  EXPECT_THAT(first->taken, ElementsAre(19));
  const auto second = add(70, 2);
  EXPECT_EQ(step(), 1 + 32u);
  EXPECT_EQ(step(), 1 + 32u);
  EXPECT_TRUE(second->taken.empty());
  EXPECT_EQ(step(), 1 + 6u);
  EXPECT_THAT(second->taken, ElementsAre(69));
  EXPECT_EQ(step(), 2u);
  EXPECT_EQ(second->reason, FinishReason::length);
  EXPECT_THAT(first->taken, ElementsAre(19, 20, 21, 22, 23));
  run_all();
  EXPECT_EQ(first->taken.size(), 10u);
}

TEST_F(SchedulerTest, StartsInTheOrderOfArrivalAndOnlyAsManyAsAllowed) {
  make({.max_sequences = 2, .pages = 64});
  const auto a = add(4, 2), b = add(4, 3), c = add(4, 1);
  step();
  EXPECT_EQ(scheduler_->stats().running, 2u);
  EXPECT_EQ(scheduler_->stats().waiting, 1u);
  step();
  EXPECT_TRUE(a->reason.has_value());
  EXPECT_EQ(c->starts, 0);
  step();
  EXPECT_EQ(c->starts, 1);
  EXPECT_TRUE(c->reason.has_value());
}

TEST_F(SchedulerTest, ALongRequestAtTheHeadIsNotOvertaken) {
  make({.max_sequences = 4, .pages = 6});
  const auto running = add(60, 3);  // 4 pages
  step();
  const auto large = add(50, 1);  // 4 pages: must wait
  const auto small = add(4, 1);
  step();
  EXPECT_EQ(small->starts, 0);
  step();
  EXPECT_TRUE(running->reason.has_value());
  step();
  EXPECT_TRUE(large->reason.has_value());
  EXPECT_TRUE(small->reason.has_value());
}

TEST_F(SchedulerTest, WhenPagesRunOutTheYoungestGivesWayAndNothingIsLost) {
  for (const bool prefix_cache : {true, false}) {
    make({.max_sequences = 8, .pages = 8, .prefix_cache = prefix_cache});
    std::vector<std::shared_ptr<FakeTask>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(add(30, 60));  // each ends with 6 pages
    run_all();
    EXPECT_GT(scheduler_->stats().preemptions, 0u);
    for (const auto& task : tasks) {
      EXPECT_EQ(task->reason, FinishReason::length);
      EXPECT_EQ(task->starts, 1);
      ASSERT_EQ(task->taken.size(), 60u);
      for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(task->taken[i], 29 + i);
    }
    EXPECT_EQ(scheduler_->stats().pages_used, scheduler_->stats().pages_cached);
  }
}

TEST_F(SchedulerTest, TheOldestIsNeverPreempted) {
  make({.max_sequences = 8, .pages = 8, .prefix_cache = false});
  const auto oldest = add(30, 90);
  for (int i = 0; i < 3; ++i) add(30, 60);
  std::size_t steps = 0;
  while (!oldest->reason) {
    step();
    ++steps;
  }
  EXPECT_EQ(steps, 90u);  // a token every pass
  run_all();
}

TEST_F(SchedulerTest, CancelledSequencesLeaveBeforeTheNextPass) {
  make({.max_sequences = 1, .pages = 64, .prefix_cache = false});
  const auto running = add(20, 10), waiting = add(20, 10);
  step();
  running->cancel = waiting->cancel = true;
  EXPECT_EQ(step(), 0u);
  EXPECT_EQ(running->reason, FinishReason::cancelled);
  EXPECT_EQ(waiting->reason, FinishReason::cancelled);
  EXPECT_EQ(waiting->starts, 0);
  EXPECT_EQ(scheduler_->stats().pages_used, 0u);
  EXPECT_EQ(scheduler_->stats().cancelled, 2u);
}

TEST_F(SchedulerTest, CongestedSequencesKeepTheirPlaceAndDrawNothing) {
  make({.max_sequences = 2, .pages = 64});
  const auto slow = add(4, 3), quick = add(4, 3);
  step();
  slow->congest = true;
  EXPECT_EQ(step(), 1u);
  EXPECT_EQ(step(), 1u);
  EXPECT_TRUE(quick->reason.has_value());
  EXPECT_FALSE(scheduler_->step());
  slow->congest = false;
  run_all();
  EXPECT_THAT(slow->taken, ElementsAre(3, 4, 5));
}

TEST_F(SchedulerTest, SharesBeginningsThatWereComputed) {
  make({.max_sequences = 2, .pages = 64});
  const auto prompt = testing::random_tokens(40, random_);
  const auto first = add(std::make_shared<FakeTask>(20), prompt);
  step();
  const auto second = add(std::make_shared<FakeTask>(1), prompt);  // while the first one runs
  EXPECT_EQ(step(), 1 + 8u);
  EXPECT_EQ(second->cached_rows, 32u);
  run_all();
  // The first one's answer is not shared: rows that were drawn have other roundings than those of
  // a prompt.
  auto longer = prompt;
  longer.insert(longer.end(), 30, 1);
  const auto third = add(std::make_shared<FakeTask>(1), longer);
  run_all();
  EXPECT_EQ(third->cached_rows, 32u);
  // A prompt of whole pages must still compute its last row.
  const auto fourth = add(std::make_shared<FakeTask>(1), {prompt.begin(), prompt.begin() + 32});
  EXPECT_EQ(step(), 16u);
  EXPECT_EQ(fourth->cached_rows, 16u);
}

TEST_F(SchedulerTest, ScoredRowsAreBoundedInEachPassAndEachTakenOnce) {
  make({.max_sequences = 4, .prefill_rows = 64, .score_outputs = 8, .pages = 64});
  const auto scoring =
      add(std::make_shared<FakeScoring>(60, 30), testing::random_tokens(60, random_));
  EXPECT_EQ(step(), 30 + 8u);
  EXPECT_EQ(step(), 8u);
  const auto drawing = add(4, 2);
  step();
  EXPECT_EQ(scoring->taken.size(), 24u);
  run_all();
  EXPECT_EQ(scoring->reason, FinishReason::length);
  ASSERT_EQ(scoring->taken.size(), 29u);
  for (std::size_t i = 0; i < scoring->taken.size(); ++i) EXPECT_EQ(scoring->taken[i], 30 + i);
  EXPECT_EQ(drawing->taken.size(), 2u);
}

TEST_F(SchedulerTest, APreemptedScoringGoesOnWhereItWas) {
  make({.max_sequences = 4,
        .prefill_rows = 16,
        .score_outputs = 4,
        .pages = 8,
        .prefix_cache = false});
  const auto oldest = add(40, 60);  // takes a fourth page after nine passes
  step();
  const auto scoring =
      add(std::make_shared<FakeScoring>(80, 1), testing::random_tokens(80, random_));
  run_all();
  EXPECT_GT(scheduler_->stats().preemptions, 0u);
  ASSERT_EQ(scoring->taken.size(), 78u);
  for (std::size_t i = 0; i < scoring->taken.size(); ++i) EXPECT_EQ(scoring->taken[i], 1 + i);
}

}  // namespace
}  // namespace lathe::engine
