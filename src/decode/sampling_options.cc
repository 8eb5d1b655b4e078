#include "decode/sampling_options.h"

#include <fmt/format.h>

namespace lathe::decode {
namespace {

// NaN is outside every range.
Status check_range(const char* name, double value, double least, double greatest) {
  if (value >= least && value <= greatest) return {};
  return Error::bad_input(fmt::format("{} is {}", name, value))
      .at(name)
      .fix_with(fmt::format("give a value from {} to {}", least, greatest));
}

Status check_biases(const SamplingOptions& options, std::size_t vocab_size) {
  if (options.logit_bias.size() > kMaxLogitBiases) {
    return Error::limit(fmt::format("{} tokens are biased; at most {} may be",
                                    options.logit_bias.size(), kMaxLogitBiases))
        .at("logit_bias");
  }
  for (const auto& [token, bias] : options.logit_bias) {
    if (token < 0 || static_cast<std::size_t>(token) >= vocab_size) {
      return Error::bad_input(
                 fmt::format("token {} is not in the vocabulary of {} tokens", token, vocab_size))
          .at("logit_bias");
    }
    LATHE_CHECK(check_range("logit_bias", bias, -100, 100));
  }
  return {};
}

}  // namespace

Status check(const SamplingOptions& options, std::size_t vocab_size) {
  LATHE_CHECK(check_range("temperature", options.temperature, 0, 2));
  LATHE_CHECK(check_range("top_p", options.top_p, 0, 1));
  LATHE_CHECK(check_range("min_p", options.min_p, 0, 1));
  LATHE_CHECK(check_range("repetition_penalty", options.repetition_penalty, 0.01, 10));
  LATHE_CHECK(check_range("presence_penalty", options.presence_penalty, -2, 2));
  LATHE_CHECK(check_range("frequency_penalty", options.frequency_penalty, -2, 2));
  if (options.top_k < 0) {
    return Error::bad_input(fmt::format("top_k is {}", options.top_k))
        .at("top_k")
        .fix_with("give a positive number, or 0 for all tokens");
  }
  if (options.logprobs) {
    LATHE_CHECK(check_range("logprobs", *options.logprobs, 0, kMaxTopLogprobs));
  }
  return check_biases(options, vocab_size);
}

}  // namespace lathe::decode
