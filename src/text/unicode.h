// Properties of characters that the components of tokenizer.json ask for, with the meaning they
// have in Rust's standard library, where those components come from. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace lathe::text {

// White_Space of Unicode: char::is_whitespace.
bool is_white_space(char32_t c);

// Letters, marks, digits, connectors, joiners: \w of Rust's regular expressions, which find words
// around added tokens and in Whitespace; patterns of tokenizer.json are Oniguruma's.
bool is_word_character(char32_t c);

// Whether the text ends or starts with a word character. REQUIRES: valid UTF-8.
bool ends_with_word(std::string_view text);
bool starts_with_word(std::string_view text);

// Bytes of white space at the end or start of the text. REQUIRES: valid UTF-8.
std::size_t trailing_space(std::string_view text);
std::size_t leading_space(std::string_view text);

// Each character by its own full lower-case mapping, without regard to its neighbours.
std::string to_lower(std::string_view text);

enum class NormalForm { nfc, nfd, nfkc, nfkd };

// REQUIRES: valid UTF-8. Throws std::bad_alloc when memory ends, as any string operation does.
std::string normalize(std::string_view text, NormalForm form);

}  // namespace lathe::text
