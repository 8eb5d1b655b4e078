// From template source to tokens: text between tags, and names, literals and operators inside them.
// Whitespace control as Hugging Face configures Jinja: trim_blocks (the newline after a block or
// comment tag goes), lstrip_blocks (blanks before such a tag on its line go), one newline at the
// end of the source goes, and `-`/`+` in a tag override. Comments and raw sections are resolved
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::text::jinja {

enum class TokenType {
  data,  // text to be written as it is
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,    // `text` is the literal with its quotes
  integer,   // `text` as written: underscores, 0x, 0o and 0b possible
  floating,  // `text` as written
  symbol,    // an operator or bracket: `text` is it
  end,
};

struct Token {
  TokenType type;
  std::string_view text;  // into the source
  int line;               // from 1
};

// "\r\n" and "\r" become "\n", and one newline at the end goes.
std::string normalize_newlines(std::string_view source);

// The tokens view `source`, which must outlive them. The last one is TokenType::end.
// Errors: bad_input with the line.
Result<std::vector<Token>> tokenize(std::string_view source);

// The value of a string literal with its quotes: Python's escapes, except \N{…}.
Result<std::string> unquote(std::string_view literal);

std::string line_place(int line);  // "line 12", for Error::at

}  // namespace lathe::text::jinja
