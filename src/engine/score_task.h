// Scores given tokens: the log-probability of each after those before it.
#pragma once

#include <atomic>
#include <vector>

#include "engine/completion.h"
#include "engine/request.h"
#include "engine/task.h"
#include "engine/timer.h"

namespace lathe::engine {

class ScoreTask final : public Task, public Scoring {
 public:
  // clock must outlive the task's end.
  ScoreTask(const ScoreRequest& request, const os::Clock& clock);

  // Task. The last token is never fed: nothing comes after it.
  Rows rows(std::size_t tokens) const override { return {tokens - 1, first_ - 1}; }
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  void start(std::size_t cached) override;
  Step take(std::size_t row, std::span<const float> logits,
            decode::SamplerScratch& scratch) override;
  void end(Ending ending) override;

  // Scoring
  void cancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  const Result<Scores>& wait() override { return done_.wait(); }

 private:
  std::size_t first_;
  std::vector<std::int32_t> targets_;  // tokens[first…]
  Timer timer_;
  Scores scores_;
  std::atomic<bool> cancelled_{false};
  Completion<Result<Scores>> done_;
};

}  // namespace lathe::engine
