#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "text/utf8.h"

namespace lathe::text {
namespace {

// The last character of a text; 0 for an empty one. REQUIRES: valid UTF-8.
char32_t last_character(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t begin = text.size() - 1;
  while (begin > 0 && is_utf8_continuation(text[begin])) --begin;
  return utf8_step(text.substr(begin)).code_point;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_word_character(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return c >= 0x24B6 && c <= 0x24E9;  // circled letters are Alphabetic
  }
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && is_word_character(last_character(text));
}

bool starts_with_word(std::string_view text) {
  return !text.empty() && is_word_character(utf8_step(text).code_point);
}

std::size_t trailing_space(std::string_view text) {
  const std::size_t size = text.size();
  while (!text.empty() && is_white_space(last_character(text))) {
    while (is_utf8_continuation(text.back())) text.remove_suffix(1);
    text.remove_suffix(1);
  }
  return size - text.size();
}

std::size_t leading_space(std::string_view text) {
  const std::size_t size = text.size();
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (!is_white_space(step.code_point)) break;
    text.remove_prefix(step.length);
  }
  return size - text.size();
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (step.code_point == 0x130) {
      out += "i\xCC\x87";  // the one character whose lower case is two (SpecialCasing.txt)
    } else {
      append_utf8(out, static_cast<char32_t>(
                           utf8proc_tolower(static_cast<utf8proc_int32_t>(step.code_point))));
    }
    text.remove_prefix(step.length);
  }
  return out;
}

std::string normalize(std::string_view text, NormalForm form) {
  if (is_ascii(text)) return std::string(text);
  const bool composed = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const int options = UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                      (compatible ? UTF8PROC_COMPAT : 0);
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                             static_cast<utf8proc_option_t>(options));
  if (size < 0) throw std::bad_alloc();
  std::string out(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
  std::free(mapped);
  return out;
}

}  // namespace lathe::text
