// The words that chat and completion requests share: how to sample, why an answer ended, what it
// cost and who gave it. Plain values, free to copy between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe::api {

// What the client asked for; an absent value means the default of whatever answers. Ranges are
// checked when a request is parsed.
struct SamplingOptions {
  std::optional<std::int64_t> max_tokens;  // >= 1; absent: as many as the context holds
  std::optional<double> temperature;       // 0 (greedy) to 2
  std::optional<double> top_p;             // 0 to 1
  std::optional<std::int64_t> top_k;       // >= 1; absent: all tokens
  std::optional<std::int64_t> seed;        // the same seed and request repeat the answer
  std::vector<std::string> stop;           // up to 4, none empty; the answer ends before the first
};

enum class FinishReason {
  stop,       // end of turn, or a stop string
  length,     // max_tokens, or the end of the context
  cancelled,  // the client went away or the server is stopping; never written to the wire
};

// "stop", "length", "cancelled".
const char* to_string(FinishReason reason);

// Tokens, as the model counted them.
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// Lathe's own addition to an answer: {"load_ms": …, "version": …, "left_out": …}.
struct ServedBy {
  double load_ms = 0;   // how long this request waited for a model to load; 0 when it was loaded
  std::string version;  // "deployment@version"; empty (null on the wire) when no deployment answers
  std::int64_t left_out =
      0;  // passages and examples of the reference that the prompt had no room for
};

}  // namespace lathe::api
