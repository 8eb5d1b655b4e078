// Chooses the next token of one answer from the model's logits. One Sampler belongs to one request:
// it remembers which tokens occurred (for the penalties) and how many were drawn (for the random
// numbers), and nothing else, so that its choices depend on its request alone.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "decode/sampling_options.h"

namespace lathe::decode {

struct TokenLogprob {
  std::int32_t token = 0;
  float logprob = 0;  // natural logarithm
};

// A chosen token. The log-probabilities are the model's own, before bias, penalties and
// temperature; all 0 and empty unless they were asked for.
struct Sample {
  std::int32_t token = 0;
  float logprob = 0;
  std::vector<TokenLogprob> top;  // most likely first, ties by id
};

// Memory that samplers of one thread share; grows to the vocabulary and stays.
struct SamplerScratch {
  struct Candidate {
    float logit;
    std::int32_t token;
  };
  std::vector<float> logits;
  std::vector<Candidate> candidates;
  std::vector<double> weights;
};

class Sampler {
 public:
  // REQUIRES: check(options, vocabulary) passed. Without a seed, 0 is taken. prompt: the tokens
  // that the repetition penalty counts from the start; negative ones (soft prompts) are passed
  // over.
  Sampler(SamplingOptions options, std::span<const std::int32_t> prompt);

  // The next token of the answer, which counts as drawn. logits: [vocabulary]. Tokens whose logit
  // is NaN or -inf are never chosen. Errors: internal when none is left.
  Result<Sample> next(std::span<const float> logits, SamplerScratch& scratch);

  const SamplingOptions& options() const { return options_; }

 private:
  struct Occurrences {
    bool anywhere = false;    // in the prompt or the answer
    std::int32_t answer = 0;  // times in the answer
  };

  bool changes_logits() const;
  std::span<const float> adjusted(std::span<const float> logits, SamplerScratch& scratch) const;
  Result<std::int32_t> draw(std::span<const float> logits, SamplerScratch& scratch) const;
  void count(std::int32_t token);

  SamplingOptions options_;
  bool penalises_;
  std::unordered_map<std::int32_t, Occurrences> seen_;  // empty unless penalises_
  std::uint64_t drawn_ = 0;
};

// log softmax(logits)[token], summed in f64. REQUIRES: token is in range.
double log_probability(std::span<const float> logits, std::int32_t token);

}  // namespace lathe::decode
