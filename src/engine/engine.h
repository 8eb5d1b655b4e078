// A continuous-batching engine for one model: takes requests from any thread and runs them together
// on a thread of its own.
//
// Each step is one forward pass over a ragged batch: one row for each sequence that is drawing
// tokens, and up to prefill_rows rows of prompts. Requests start in the order they came. Keys and
// values live in pages of one pool; prefixes that are already there, for the same adapters, are
// shared. When pages run out the youngest sequence gives its pages back and is recomputed later: an
// accepted request is never lost, and what it answers does not change.
//
// Results do not depend on company: greedy answers and scores are bit-identical alone, batched,
// chunked, with the prefix cache warm and beside other adapters; sampling repeats by seed.
//
// Thread-safety: all members may be called from any thread but the engine's own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "engine/request.h"
#include "engine/stats.h"
#include "models/decoder.h"
#include "text/tokenizer.h"

namespace lathe::os {
class Clock;
}

namespace lathe::engine {

struct EngineOptions {
  std::size_t max_sequences = 16;                  // in one batch
  std::size_t max_waiting = 256;                   // accepted and not yet in the batch
  std::size_t prefill_rows = 256;                  // rows of prompts in one pass
  std::size_t kv_bytes = std::size_t{1} << 29;     // upper bound for keys and values
  kernels::KvType kv_type = kernels::KvType::f16;  // how they are kept (docs/decisions/010)
  bool prefix_cache = true;
  // How rows enter products with quantised weights (docs/decisions/008 and 009).
  ops::Activations activations = ops::Activations::by_row;
  std::vector<std::int32_t> eos_ids = {};  // empty: the config's, and the tokenizer's
  const os::Clock* clock = nullptr;        // null: the system's; must outlive the engine
};

class Engine {
 public:
  // parallel must outlive the engine; several engines may share one. Errors: bad_input (options, or
  // a tokenizer with more tokens than the model), limit (kv_bytes holds not even one page).
  static Result<std::unique_ptr<Engine>> start(std::shared_ptr<const models::Decoder> decoder,
                                               text::Tokenizer tokenizer, Parallel& parallel,
                                               const EngineOptions& options = {});
  // Stops.
  ~Engine();

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Accepts or refuses at once. Errors: bad_input (tokens, ranges); limit, with the counts, for
  // what could never fit; unavailable when the queue is full or the engine is stopping. After an
  // error the sink is never called.
  Result<std::shared_ptr<Generation>> submit(GenerationRequest request,
                                             std::shared_ptr<GenerationSink> sink = nullptr);
  Result<std::shared_ptr<Scoring>> submit(ScoreRequest request);

  // submit() and wait. An answer that was cancelled or failed is an error.
  Result<Answer> generate(GenerationRequest request);
  Result<Scores> score(ScoreRequest request);
  // All of them, batched, in their order; waits for room in the queue instead of failing.
  std::vector<Result<Answer>> generate_all(std::vector<GenerationRequest> requests);
  std::vector<Result<Scores>> score_all(std::vector<ScoreRequest> requests);
  // Scores each completion after the prompt; the prompt is computed once where pages can be shared.
  Result<std::vector<Scores>> score_completions(
      std::span<const std::int32_t> prompt,
      const std::vector<std::vector<std::int32_t>>& completions, const Adapters& adapters = {});

  EngineStats stats() const;
  const models::Decoder& decoder() const;
  const text::Tokenizer& tokenizer() const;
  // Tokens that a prompt and its answer may have together.
  std::size_t capacity() const;

  // Refuses new requests, then waits until the accepted ones have ended.
  void drain();
  // Refuses new requests, cancels the accepted ones, and waits until they have ended.
  void stop();

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::engine
