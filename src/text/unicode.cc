#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "text/char_class.h"
#include "text/newer_unicode.h"
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

// Capital letters of Unicode 16 and 17, which utf8proc may not know yet.
char32_t lower_of(char32_t c) {
  if (c >= 0x10D50 && c <= 0x10D65) return c + 0x20;  // Garay
  if (c >= 0x16EA0 && c <= 0x16EB8) return c + 0x1B;  // Beria Erfe
  switch (c) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA:
      return c + 1;
    case 0xA7CB:
      return 0x264;
    case 0xA7DC:
      return 0x19B;
    default:
      return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  }
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

std::size_t ascii_length(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_ascii) -
                                  text.begin());
}

std::size_t other_length(std::string_view text) {
  return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_ascii) - text.begin());
}

// Bytes before the first character that stays as it is.
std::size_t length_before_kept(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (is_normalized_since_unicode_9(step.code_point)) return at;
    at += step.length;
  }
  return text.size();
}

void append_mapped(std::string_view text, NormalForm form, std::string& out) {
  const bool composed = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const int options = UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                      (compatible ? UTF8PROC_COMPAT : 0);
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                             static_cast<utf8proc_option_t>(options));
  if (size < 0) throw std::bad_alloc();
  out.append(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
  std::free(mapped);
}

void append_normalized(std::string_view text, NormalForm form, std::string& out) {
  while (!text.empty()) {
    const std::size_t length = length_before_kept(text);
    if (length > 0) append_mapped(text.substr(0, length), form, out);
    text.remove_prefix(length);
    if (text.empty()) return;
    const std::size_t kept = utf8_length(text[0]);
    out.append(text.substr(0, kept));
    text.remove_prefix(kept);
  }
}

}  // namespace

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_word_character(char32_t c) {
  if (c == 0x200C || c == 0x200D) return true;  // joiners
  const bool fraction_or_power = c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
  return !fraction_or_power && is_in(CharClass::word, c);  // those are only Oniguruma's
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
    if (step.code_point < 0x80) {
      const char c = text[0];
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (step.code_point == 0x130) {
      out += "i\xCC\x87";  // the one character whose lower case is two (SpecialCasing.txt)
    } else {
      append_utf8(out, lower_of(step.code_point));
    }
    text.remove_prefix(step.length);
  }
  return out;
}

std::string normalize(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t ascii = ascii_length(text);
    if (ascii == text.size()) return out.append(text);
    // The last ASCII character may take a mark that follows it; what is before cannot.
    const std::size_t plain = ascii == 0 ? 0 : ascii - 1;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    const std::size_t part = (ascii - plain) + other_length(text.substr(ascii - plain));
    append_normalized(text.substr(0, part), form, out);
    text.remove_prefix(part);
  }
  return out;
}

}  // namespace lathe::text
