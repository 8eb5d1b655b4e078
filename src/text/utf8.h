// UTF-8 as tokenizers need it: validity, replacement of ill-formed parts, characters one by one.
// Pure functions. Source: Unicode 15, section 3.9 (tables 3-7 and 3-8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::text {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// What stands at the start of some bytes.
struct Utf8Step {
  enum class Kind {
    character,   // length bytes make the code point
    ill_formed,  // length bytes (1 to 3) can never become a character: one U+FFFD
    incomplete,  // all length bytes left are the start of a character that more bytes could
                 // complete
  };
  Kind kind = Kind::character;
  std::size_t length = 0;
  char32_t code_point = 0;
};

// REQUIRES: !bytes.empty().
Utf8Step utf8_step(std::string_view bytes);

bool is_valid_utf8(std::string_view bytes);

// The bytes with each maximal ill-formed part replaced by U+FFFD, an incomplete end too.
std::string to_valid_utf8(std::string_view bytes);

void append_utf8(std::string& out, char32_t code_point);

// Length in bytes of the character that starts with this byte. REQUIRES: the text is valid UTF-8.
inline std::size_t utf8_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// True for the second and later bytes of a character.
inline bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace lathe::text
