// SentencePiece's rules of normalization, as models carry them ("precompiled_charsmap"): which
// characters become which.
//
// A blob is the size of a double array in bytes (u32, little-endian), the array (u32 units of
// Darts-clone), and the replacements, each with a zero byte at its end. Applied as tokenizer.json's
// Precompiled does it: a grapheme of fewer than six bytes is looked up whole, then character by
// character. Immutable; apply() may run on many threads at once.
// Source: SentencePiece's normalizer.cc; Darts-clone; tokenizers' precompiled.rs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::text {

class PrecompiledCharsmap {
 public:
  // Errors: a size that does not fit the blob.
  static Result<PrecompiledCharsmap> parse(std::string_view blob);
  // The same, written in Base64.
  static Result<PrecompiledCharsmap> parse_base64(std::string_view text);

  // REQUIRES: valid UTF-8. The result is valid UTF-8 if the blob's replacements are; else damage is
  // replaced by U+FFFD.
  std::string apply(std::string_view text) const;

 private:
  std::optional<std::string_view> find(std::string_view chunk) const;
  bool append_if_found(std::string_view chunk, std::string& out) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

std::string encode_base64(std::string_view bytes);

}  // namespace lathe::text
