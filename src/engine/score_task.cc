#include "engine/score_task.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lathe::engine {

ScoreTask::ScoreTask(const ScoreRequest& request, const os::Clock& clock)
    : first_(request.first),
      targets_(request.tokens.begin() + static_cast<std::ptrdiff_t>(request.first),
               request.tokens.end()),
      timer_(clock) {
  const auto& tokens = request.tokens;
  scores_.usage.virtual_tokens = static_cast<std::size_t>(
      std::count_if(tokens.begin(), tokens.end(), [](std::int32_t token) { return token < 0; }));
  scores_.usage.prompt_tokens = tokens.size() - scores_.usage.virtual_tokens;
}

void ScoreTask::start(std::size_t cached) {
  timer_.start();
  scores_.usage.cached_tokens = cached;
}

Task::Step ScoreTask::take(std::size_t row, std::span<const float> logits,
                           decode::SamplerScratch&) {
  const std::size_t i = row + 1 - first_;
  LATHE_ASSERT(i == scores_.logprobs.size());
  if (i == 0) timer_.first_token();
  const double logprob = decode::log_probability(logits, targets_[i]);
  if (std::isnan(logprob)) {
    return {{},
            Ending{FinishReason::error,
                   Error::internal("the model gave no usable logits for a scored token")
                       .fix_with("check the model's weights: a damaged tensor gives NaN")}};
  }
  scores_.logprobs.push_back(static_cast<float>(logprob));
  if (scores_.logprobs.size() < targets_.size()) return {};
  return {{}, Ending{FinishReason::stop}};
}

void ScoreTask::end(Ending ending) {
  scores_.timing = timer_.end();
  if (ending.error) return done_.set(std::move(*ending.error));
  if (ending.reason == FinishReason::cancelled) {
    return done_.set(Error::cancelled("the scoring was cancelled"));
  }
  done_.set(std::move(scores_));
}

}  // namespace lathe::engine
