// How the next token is chosen from the model's logits. Plain values, free to copy.
//
// They apply in this order: logit_bias, repetition, presence and frequency penalties, temperature,
// top_k, top_p, min_p. Only temperature 0 means greedy: the greatest logit, the lowest id on ties.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lathe::decode {

struct SamplingOptions {
  double temperature = 0;  // 0 to 2; 0: greedy
  std::int64_t top_k = 0;  // the k most likely; 0: all
  double top_p = 1;  // the fewest most likely tokens whose mass reaches p (Holtzman et al. 2020)
  double min_p = 0;  // at least this fraction of the best token's probability (Nguyen et al. 2024)

  // 0.01 to 10; 1: none. Divides positive and multiplies negative logits of tokens that stand
  // in the prompt or the answer (Keskar et al. 2019).
  double repetition_penalty = 1;
  // -2 to 2, as OpenAI has them: subtracted once, or once for each time, for tokens of the answer.
  double presence_penalty = 0;
  double frequency_penalty = 0;
  std::vector<std::pair<std::int32_t, float>> logit_bias =
      {};  // token, -100 to 100 added to its logit

  // Same seed, same request: same answer. Absent: somebody above picks one.
  std::optional<std::uint64_t> seed = {};
  // Absent: no log-probabilities; n: the chosen token's and the n (0 to 20) most likely ones'.
  std::optional<std::int32_t> logprobs = {};
};

inline constexpr std::int32_t kMaxTopLogprobs = 20;
inline constexpr std::size_t kMaxLogitBiases = 1024;

// Every range, and that the biased tokens exist. Errors: bad_input that names the field.
Status check(const SamplingOptions& options, std::size_t vocab_size);

}  // namespace lathe::decode
