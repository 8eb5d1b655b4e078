// Turns the tokens of one answer into its text and says when it is over: at an end-of-sequence
// token, at a stop string, or at the greatest number of tokens.
//
// Not thread-safe: one object belongs to one answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decode/stop_strings.h"
#include "text/text_stream.h"
#include "text/tokenizer.h"

namespace lathe::decode {

struct StopOptions {
  std::vector<std::int32_t> eos_ids = {};  // any of them ends the answer and leaves no text
  std::vector<std::string> stop = {};      // the answer ends before the first
  std::size_t max_tokens = 1;              // at least 1; end-of-sequence counts as a token
};

enum class StopReason {
  end_of_sequence,
  stop_string,
  max_tokens,
};

class StopRules {
 public:
  // What a token did.
  struct Step {
    std::string text;                  // decided by it: whole characters, possibly none
    std::optional<StopReason> reason;  // set: the answer is over, text holds the last of it
  };

  // REQUIRES: check_stop_strings(options.stop) passed.
  StopRules(const text::Tokenizer& tokenizer, StopOptions options);

  // REQUIRES: no reason was returned before.
  Step push(std::int32_t token);

  // The end for a reason outside the tokens (a cancellation): the text that was held back.
  std::string finish();

  // Tokens pushed, the end-of-sequence token included.
  std::size_t tokens() const { return tokens_; }

 private:
  StopOptions options_;
  text::TextStream stream_;
  StopStrings stops_;
  std::size_t tokens_ = 0;
};

}  // namespace lathe::decode
