// The decoder of tokenizer.json: from tokens back to text.
//
// The chain of components is compiled once into what each token adds by itself (its bytes) and what
// happens to the whole (characters stripped from its ends), so that decoding and streaming are
// copies of bytes. Knows ByteLevel, ByteFallback, Fuse, Replace (of a string), Strip, Metaspace and
// Sequence; another type, or an order that cannot be compiled so, is an error that names it.
// Plain data.
#pragma once

#include <cstdint>
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

class Decoder {
 public:
  // Without a decoder tokens are joined by spaces.
  Decoder() = default;

  // `component` is the value of "decoder"; null for none.
  static Result<Decoder> from_json(const nlohmann::json& component);

  // What a token adds to a text, by its spelling.
  TokenText token_text(std::string_view spelling) const;

  // What a token adds when it is the first of a text, where that differs.
  std::optional<std::string> first_token_text(std::string_view spelling) const;

  bool is_byte_level() const { return byte_level_; }
  bool joins_with_spaces() const { return !any_; }

  // How many characters strip_sign() are taken from the start and the end of the whole text.
  std::int32_t strip_start() const { return strip_start_; }
  std::int32_t strip_stop() const { return strip_stop_; }
  const std::string& strip_sign() const { return strip_sign_; }
  std::string strip_text(std::string text) const;

 private:
  struct Replace {
    std::string from, to;
  };
  Status add(const nlohmann::json& component, int depth);
  Status add_strip(const nlohmann::json& component);
  Status add_replace(const nlohmann::json& component);
  Status add_metaspace(const nlohmann::json& component);

  bool any_ = false;
  bool byte_level_ = false;
  bool byte_fallback_ = false;
  bool fused_ = false;
  std::vector<Replace> replaces_;
  std::string first_drops_;  // a sign that is nothing in the first token
  std::string strip_sign_;
  std::int32_t strip_start_ = 0, strip_stop_ = 0;
};

}  // namespace lathe::text
