// The members of Engine that submit and wait.
#include <functional>
#include <utility>

#include "engine/engine.h"

namespace lathe::engine {
namespace {

Result<Answer> outcome(Generation& generation) {
  const Answer& answer = generation.wait();
  if (answer.error) return *answer.error;
  if (answer.reason == FinishReason::cancelled) {
    return Error::cancelled("the answer was cancelled because the engine is stopping");
  }
  return answer;
}

Result<Scores> outcome(Scoring& scoring) { return scoring.wait(); }

// Submits everything in order; when the queue is full, waits for the oldest of its own and tries
// again. Requests of others may keep it full: then one is submitted whenever one of ours ends, and
// with none of ours left the refusal is the result.
template <class Value, class Handle, class Request>
std::vector<Result<Value>> run_all(Engine& engine, std::vector<Request> requests) {
  struct Pending {
    std::size_t index;
    std::shared_ptr<Handle> handle;
  };
  std::vector<Result<Value>> results(requests.size(), Error::internal("not submitted"));
  std::vector<Pending> pending;
  std::size_t waited = 0;
  const auto wait_for_oldest = [&] {
    const Pending& oldest = pending[waited++];
    results[oldest.index] = outcome(*oldest.handle);
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto handle = engine.submit(requests[i]);
    while (!handle.ok() && handle.error().kind == ErrorKind::unavailable &&
           waited < pending.size()) {
      wait_for_oldest();
      handle = engine.submit(requests[i]);
    }
    if (handle.ok()) {
      pending.push_back({i, std::move(handle).value()});
    } else {
      results[i] = std::move(handle).error();
    }
  }
  while (waited < pending.size()) wait_for_oldest();
  return results;
}

}  // namespace

Result<Answer> Engine::generate(GenerationRequest request) {
  LATHE_TRY(const std::shared_ptr<Generation> generation, submit(std::move(request)));
  return outcome(*generation);
}

Result<Scores> Engine::score(ScoreRequest request) {
  LATHE_TRY(const std::shared_ptr<Scoring> scoring, submit(std::move(request)));
  return outcome(*scoring);
}

std::vector<Result<Answer>> Engine::generate_all(std::vector<GenerationRequest> requests) {
  return run_all<Answer, Generation>(*this, std::move(requests));
}

std::vector<Result<Scores>> Engine::score_all(std::vector<ScoreRequest> requests) {
  return run_all<Scores, Scoring>(*this, std::move(requests));
}

Result<std::vector<Scores>> Engine::score_completions(
    std::span<const std::int32_t> prompt, const std::vector<std::vector<std::int32_t>>& completions,
    const Adapters& adapters) {
  std::vector<ScoreRequest> requests;
  for (const std::vector<std::int32_t>& completion : completions) {
    ScoreRequest request;
    request.tokens.assign(prompt.begin(), prompt.end());
    request.tokens.insert(request.tokens.end(), completion.begin(), completion.end());
    request.first = prompt.size();
    request.adapters = adapters;
    requests.push_back(std::move(request));
  }
  std::vector<Scores> scores;
  for (Result<Scores>& result : score_all(std::move(requests))) {
    LATHE_TRY(Scores one, std::move(result));
    scores.push_back(std::move(one));
  }
  return scores;
}

}  // namespace lathe::engine
