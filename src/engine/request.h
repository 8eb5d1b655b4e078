// What an engine is asked and what it answers: requests to continue a prompt and to score given
// tokens, the events of an answer, its cost and its times. Plain values and small interfaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decode/sampler.h"
#include "decode/sampling_options.h"
#include "models/batch.h"

namespace lathe::engine {

// Adaptations of one request. The pointer owns them (an aliasing pointer to a larger owner is
// fine); the engine holds it until the request has ended. They must not change while it does.
// Requests share cached prefixes only when owner and pointer are the same.
using Adapters = std::shared_ptr<const models::SequenceAdapters>;

struct GenerationRequest {
  // Token ids, special tokens included, at least one; -1 - i stands for row i of the adapters' soft
  // prompt. Taken as they are: the engine adds and removes nothing.
  std::vector<std::int32_t> prompt = {};
  Adapters adapters = {};  // null: none
  decode::SamplingOptions sampling = {};
  std::vector<std::string> stop = {};          // the answer ends before the first of them
  std::optional<std::size_t> max_tokens = {};  // at least 1; absent: as many as there is room for
  bool ignore_eos = false;                     // go on to max_tokens: for measuring
};

enum class FinishReason {
  stop,       // an end-of-sequence token, or a stop string
  length,     // max_tokens, or no more room
  cancelled,  // by Generation::cancel() or the engine's stop
  error,      // see Answer::error
};

// "stop", "length", "cancelled", "error".
const char* to_string(FinishReason reason);

struct Usage {
  std::size_t prompt_tokens = 0;      // without the virtual ones
  std::size_t virtual_tokens = 0;     // of soft prompts
  std::size_t cached_tokens = 0;      // of both, what the prefix cache already had
  std::size_t completion_tokens = 0;  // drawn, the end-of-sequence token included
};

// Seconds; 0 for what was not reached.
struct Timing {
  double queued = 0;       // from submission to the first pass
  double prefill = 0;      // from there to the first token
  double first_token = 0;  // from submission
  double total = 0;        // from submission to the end
};

// An answer as far as it came.
struct Answer {
  std::string text;
  std::vector<std::int32_t> tokens;      // drawn; also those that leave no text
  std::vector<decode::Sample> logprobs;  // by token, when they were asked for
  FinishReason reason = FinishReason::error;
  std::optional<Error> error;  // with reason error
  std::uint64_t seed = 0;      // repeats the answer when it is given with the same request
  Usage usage;
  Timing timing;
};

// One more token of an answer. The views live as long as the call.
struct Delta {
  std::string_view text;  // whole characters; may be empty while some are undecided
  std::int32_t token = 0;
  const decode::Sample* logprobs = nullptr;  // null unless asked for
};

// Takes an answer while it is made. Called on the engine's thread, one call at a time; calls must
// be quick, must not block, and must not stop, drain or destroy the engine. Submitting and
// cancelling are fine.
class GenerationSink {
 public:
  virtual ~GenerationSink() = default;
  // The first pass begins. Not called for what ends in the queue.
  virtual void on_start() {}
  virtual void on_token(const Delta& delta) = 0;
  // The last call, always. The engine lets go of the sink after it.
  virtual void on_end(const Answer& answer) = 0;
  // While this holds, the sequence keeps its place but draws no tokens.
  virtual bool congested() const { return false; }
};

// A hold on an accepted request. Thread-safe; may outlive the engine. Letting go of it does not
// cancel.
class Generation {
 public:
  virtual ~Generation() = default;
  // Ends the answer before its next token; nothing happens when it has ended.
  virtual void cancel() = 0;
  virtual bool finished() const = 0;
  // Blocks until the end. Never call it on the engine's thread.
  virtual const Answer& wait() = 0;
};

// How likely the model finds given tokens: for perplexity, and for choosing among completions.
struct ScoreRequest {
  std::vector<std::int32_t> tokens = {};  // prompt and completion, as for GenerationRequest::prompt
  std::size_t first = 1;                  // tokens[first…] are scored; at least 1
  Adapters adapters = {};
};

struct Scores {
  std::vector<float> logprobs;  // natural log of P(tokens[first + i] | all before it)
  Usage usage;
  Timing timing;

  double total() const;
};

class Scoring {
 public:
  virtual ~Scoring() = default;
  virtual void cancel() = 0;
  // Blocks until the end. Errors: cancelled, internal.
  virtual const Result<Scores>& wait() = 0;
};

}  // namespace lathe::engine
