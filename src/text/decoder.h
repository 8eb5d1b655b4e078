// The decoder of tokenizer.json: from tokens back to text.
//
// The chain of components is compiled into what each token adds by itself, by where it stands (its
// text), and what happens to the whole (characters stripped from its ends), so that decoding and
// streaming are copies of bytes. Knows ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace,
// WordPiece, BPEDecoder, CTC and Sequence; another type, or an order that cannot be compiled so, is
// an error that names it.
// Immutable; any number of threads may use it.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::text {

// What one token adds.
struct TokenText {
  std::string bytes;
  bool fallback = false;  // a byte-fallback token: bytes is one byte, perhaps part of a character
};

// Where a token stands among those that leave text.
struct TokenPlace {
  bool first = false, last = false;
};

class Decoder {
 public:
  // Without a decoder tokens are joined by spaces.
  Decoder() = default;

  // `component` is the value of "decoder"; null for none.
  static Result<Decoder> from_json(const nlohmann::json& component);

  // What a token adds to a text, by its spelling. Errors: limit (a pattern that takes too many
  // steps), which do not come for a token that passed check().
  Result<TokenText> token_text(std::string_view spelling, TokenPlace place = {}) const;
  // Whether token_text() succeeds for the token wherever it stands.
  Status check(std::string_view spelling) const;

  // Whether the first or the last token of a text may add something else than in its middle.
  bool first_differs() const { return first_differs_; }
  bool last_differs() const { return last_differs_; }

  bool is_byte_level() const { return byte_level_; }
  bool joins_with_spaces() const { return !any_; }
  // CTC: a token equal to the one before it adds nothing.
  bool drops_repeats() const { return drops_repeats_; }

  // How many characters strip_sign() are taken from the start and the end of the whole text.
  std::int32_t strip_start() const { return strip_.start; }
  std::int32_t strip_stop() const { return strip_.stop; }
  const std::string& strip_sign() const { return strip_.sign; }
  std::string strip_text(std::string text) const;

 private:
  using Step = std::function<Result<std::string>(std::string, TokenPlace)>;
  struct Strip {
    std::string sign;
    std::int32_t start = 0, stop = 0;
  };
  Status add(const nlohmann::json& component, int depth);
  Status add_component(const std::string& type, const nlohmann::json& component);
  Status add_strip(const nlohmann::json& component);
  Status add_replace(const nlohmann::json& component);
  Status add_metaspace(const nlohmann::json& component);
  Status add_word_piece(const nlohmann::json& component);
  Status add_bpe(const nlohmann::json& component);
  Status add_ctc(const nlohmann::json& component);
  Status add_step(const char* type, Step step);

  bool any_ = false;
  bool byte_level_ = false;
  bool byte_fallback_ = false;
  bool fused_ = false;
  bool first_differs_ = false, last_differs_ = false;
  bool drops_repeats_ = false;
  bool searches_ = false;    // a step has a pattern, whose search may give up
  std::vector<Step> steps_;  // before byte fallback or the byte-level alphabet
  Strip strip_;
};

}  // namespace lathe::text
