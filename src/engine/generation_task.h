// Draws one answer: the sampler's choices, the stop rules' text, and the sink that takes both.
#pragma once

#include <atomic>
#include <memory>

#include "decode/sampler.h"
#include "decode/stop_rules.h"
#include "engine/completion.h"
#include "engine/request.h"
#include "engine/task.h"
#include "engine/timer.h"
#include "text/tokenizer.h"

namespace lathe::engine {

// What a checked request comes to.
struct GenerationPlan {
  decode::SamplingOptions sampling;  // with a seed
  decode::StopOptions stop;
};

class GenerationTask final : public Task, public Generation {
 public:
  // clock must outlive the task's end.
  GenerationTask(std::span<const std::int32_t> prompt, GenerationPlan plan,
                 const text::Tokenizer& tokenizer, const os::Clock& clock,
                 std::shared_ptr<GenerationSink> sink);

  // Task
  Rows rows(std::size_t tokens) const override { return {tokens, tokens - 1}; }
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  bool congested() const override { return sink_ != nullptr && sink_->congested(); }
  void start(std::size_t cached) override;
  Step take(std::size_t row, std::span<const float> logits,
            decode::SamplerScratch& scratch) override;
  void end(Ending ending) override;

  // Generation
  void cancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  bool finished() const override { return done_.is_set(); }
  const Answer& wait() override { return done_.wait(); }

 private:
  decode::Sampler sampler_;
  decode::StopRules rules_;
  Timer timer_;
  std::shared_ptr<GenerationSink> sink_;  // null after the end
  Answer answer_;                         // as far as it came
  std::atomic<bool> cancelled_{false};
  Completion<Answer> done_;
};

}  // namespace lathe::engine
