#include "engine/generation_task.h"

#include <algorithm>
#include <utility>

namespace lathe::engine {

GenerationTask::GenerationTask(std::span<const std::int32_t> prompt, GenerationPlan plan,
                               const text::Tokenizer& tokenizer, const os::Clock& clock,
                               std::shared_ptr<GenerationSink> sink)
    : sampler_(std::move(plan.sampling), prompt),
      rules_(tokenizer, std::move(plan.stop)),
      timer_(clock),
      sink_(std::move(sink)) {
  answer_.seed = sampler_.options().seed.value_or(0);
  answer_.usage.virtual_tokens = static_cast<std::size_t>(
      std::count_if(prompt.begin(), prompt.end(), [](std::int32_t token) { return token < 0; }));
  answer_.usage.prompt_tokens = prompt.size() - answer_.usage.virtual_tokens;
}

void GenerationTask::start(std::size_t cached) {
  timer_.start();
  answer_.usage.cached_tokens = cached;
  if (sink_ != nullptr) sink_->on_start();
}

Task::Step GenerationTask::take(std::size_t, std::span<const float> logits,
                                decode::SamplerScratch& scratch) {
  auto sample = sampler_.next(logits, scratch);
  if (!sample.ok()) return {{}, Ending{FinishReason::error, std::move(sample).error()}};
  if (answer_.tokens.empty()) timer_.first_token();
  const std::int32_t token = sample->token;
  const decode::StopRules::Step step = rules_.push(token);
  answer_.tokens.push_back(token);
  answer_.text += step.text;
  if (sampler_.options().logprobs) answer_.logprobs.push_back(std::move(*sample));
  if (sink_ != nullptr) {
    sink_->on_token(
        {step.text, token, answer_.logprobs.empty() ? nullptr : &answer_.logprobs.back()});
  }
  Step result = {token, {}};
  if (step.reason) {
    result.ending = Ending{*step.reason == decode::StopReason::max_tokens ? FinishReason::length
                                                                          : FinishReason::stop};
  }
  return result;
}

void GenerationTask::end(Ending ending) {
  answer_.reason = ending.reason;
  answer_.error = std::move(ending.error);
  answer_.usage.completion_tokens = answer_.tokens.size();
  answer_.timing = timer_.end();
  if (sink_ != nullptr) sink_->on_end(answer_);
  sink_.reset();
  done_.set(std::move(answer_));
}

}  // namespace lathe::engine
