#include "text/normalizer_steps.h"

#include "text/char_class.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

// Calls visit(code point, its bytes) for each character.
template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    visit(step.code_point, text.substr(0, step.length));
    text.remove_prefix(step.length);
  }
}

// Without the characters for which drop(code point).
template <class Drop>
std::string without(std::string_view text, Drop drop) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    if (!drop(c)) out += bytes;
  });
  return out;
}

std::string clean(std::string_view text, bool ideographs) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    if (c == '\t' || c == '\n' || c == '\r') {
      out += ' ';
    } else if (c == 0 || c == 0xFFFD || is_in(CharClass::other, c)) {
      return;  // U+0085 and the like, too
    } else if (is_white_space(c)) {
      out += ' ';
    } else if (ideographs && is_ideograph(c)) {
      out.append(" ").append(bytes).append(" ");
    } else {
      out += bytes;
    }
  });
  return out;
}

std::string space_ideographs(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    is_ideograph(c) ? out.append(" ").append(bytes).append(" ") : out.append(bytes);
  });
  return out;
}

bool nmt_drops(char32_t c) {
  return (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}

bool nmt_blanks(char32_t c) {
  return c == 9 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
         c == 0xFFFD;
}

}  // namespace

std::string bert_normalize(std::string_view text, const BertNormalization& how) {
  std::string out(text);
  if (how.clean_text)
    out = clean(out, how.handle_chinese_chars);
  else if (how.handle_chinese_chars)
    out = space_ideographs(out);
  if (how.strip_accents)
    out = without(normalize(out, NormalForm::nfd),
                  [](char32_t c) { return c >= 0x80 && is_in(CharClass::old_nonspacing, c); });
  if (how.lowercase) out = to_lower(out);
  return out;
}

std::string strip_accents(std::string_view text) {
  return without(text, [](char32_t c) { return c >= 0x80 && is_in(CharClass::combining, c); });
}

std::string nmt_normalize(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    if (nmt_blanks(c))
      out += ' ';
    else if (!nmt_drops(c))
      out += bytes;
  });
  return out;
}

}  // namespace lathe::text
