// Code points in UTF-8 strings, with the meaning Python gives to them: lengths and indices count
// code points, white space and letter case follow the Unicode tables (utf8proc). Bytes that are not
// UTF-8 count as one code point each and pass through every function unchanged. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::text::jinja {

struct CodePoint {
  char32_t value;    // a stray byte B has the value 0xDC00 + B (as Python's surrogateescape)
  std::size_t size;  // its bytes, 1 to 4
};

// REQUIRES: at < text.size().
CodePoint decode_at(std::string_view text, std::size_t at);
void append_code_point(std::string& out, char32_t value);

std::size_t count_code_points(std::string_view text);
std::vector<std::string_view> split_code_points(std::string_view text);
// The byte at which code point `index` begins; text.size() when there are fewer.
std::size_t byte_of_code_point(std::string_view text, std::size_t index);

bool is_space(char32_t value);          // str.isspace
bool is_line_break(char32_t value);     // where str.splitlines breaks
bool is_alphabetic(char32_t value);     // str.isalpha
bool is_decimal_digit(char32_t value);  // str.isdecimal
bool is_numeric(char32_t value);        // any digit or number sign
bool is_upper(char32_t value);
bool is_lower(char32_t value);
bool is_cased(char32_t value);  // has an upper, lower or title case

// Whether every code point with a case has the wanted one, and at least one does: str.isupper with
// is_upper, str.islower with is_lower.
bool has_only_case(std::string_view text, bool (*wanted)(char32_t));

struct Sides {
  bool left = true;
  bool right = true;
};
// str.strip / lstrip / rstrip: removes white space, or the code points of `characters`.
std::string_view strip(std::string_view text, Sides sides = {},
                       std::optional<std::string_view> characters = std::nullopt);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);        // str.title: each run of letters
std::string to_capitalized(std::string_view text);  // str.capitalize: the first code point only

// str.splitlines(keepends).
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

}  // namespace lathe::text::jinja
