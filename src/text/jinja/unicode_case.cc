// Letter case with the expansions of Unicode's SpecialCasing.txt (unconditional ones, and the final
// sigma): str.upper, str.lower, str.title and str.capitalize of Python.
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

// Code points whose upper case is more than one code point, ascending. The 48 Greek letters with a
// subscript iota from U+1F80 on follow a rule instead (below).
struct Expansion {
  char32_t from;
  std::u32string_view upper;
  std::u32string_view title;
};
// clang-format off
constexpr std::array<Expansion, 54> kExpansions = {{
    {0x00DF, U"SS", U"Ss"},
    {0x0149, U"\u02bcN", U"\u02bcN"},
    {0x01F0, U"J\u030c", U"J\u030c"},
    {0x0390, U"\u0399\u0308\u0301", U"\u0399\u0308\u0301"},
    {0x03B0, U"\u03a5\u0308\u0301", U"\u03a5\u0308\u0301"},
    {0x0587, U"\u0535\u0552", U"\u0535\u0582"},
    {0x1E96, U"H\u0331", U"H\u0331"},
    {0x1E97, U"T\u0308", U"T\u0308"},
    {0x1E98, U"W\u030a", U"W\u030a"},
    {0x1E99, U"Y\u030a", U"Y\u030a"},
    {0x1E9A, U"A\u02be", U"A\u02be"},
    {0x1F50, U"\u03a5\u0313", U"\u03a5\u0313"},
    {0x1F52, U"\u03a5\u0313\u0300", U"\u03a5\u0313\u0300"},
    {0x1F54, U"\u03a5\u0313\u0301", U"\u03a5\u0313\u0301"},
    {0x1F56, U"\u03a5\u0313\u0342", U"\u03a5\u0313\u0342"},
    {0x1FB2, U"\u1fba\u0399", U"\u1fba\u0345"},
    {0x1FB3, U"\u0391\u0399", U"\u1fbc"},
    {0x1FB4, U"\u0386\u0399", U"\u0386\u0345"},
    {0x1FB6, U"\u0391\u0342", U"\u0391\u0342"},
    {0x1FB7, U"\u0391\u0342\u0399", U"\u0391\u0342\u0345"},
    {0x1FBC, U"\u0391\u0399", U"\u1fbc"},
    {0x1FC2, U"\u1fca\u0399", U"\u1fca\u0345"},
    {0x1FC3, U"\u0397\u0399", U"\u1fcc"},
    {0x1FC4, U"\u0389\u0399", U"\u0389\u0345"},
    {0x1FC6, U"\u0397\u0342", U"\u0397\u0342"},
    {0x1FC7, U"\u0397\u0342\u0399", U"\u0397\u0342\u0345"},
    {0x1FCC, U"\u0397\u0399", U"\u1fcc"},
    {0x1FD2, U"\u0399\u0308\u0300", U"\u0399\u0308\u0300"},
    {0x1FD3, U"\u0399\u0308\u0301", U"\u0399\u0308\u0301"},
    {0x1FD6, U"\u0399\u0342", U"\u0399\u0342"},
    {0x1FD7, U"\u0399\u0308\u0342", U"\u0399\u0308\u0342"},
    {0x1FE2, U"\u03a5\u0308\u0300", U"\u03a5\u0308\u0300"},
    {0x1FE3, U"\u03a5\u0308\u0301", U"\u03a5\u0308\u0301"},
    {0x1FE4, U"\u03a1\u0313", U"\u03a1\u0313"},
    {0x1FE6, U"\u03a5\u0342", U"\u03a5\u0342"},
    {0x1FE7, U"\u03a5\u0308\u0342", U"\u03a5\u0308\u0342"},
    {0x1FF2, U"\u1ffa\u0399", U"\u1ffa\u0345"},
    {0x1FF3, U"\u03a9\u0399", U"\u1ffc"},
    {0x1FF4, U"\u038f\u0399", U"\u038f\u0345"},
    {0x1FF6, U"\u03a9\u0342", U"\u03a9\u0342"},
    {0x1FF7, U"\u03a9\u0342\u0399", U"\u03a9\u0342\u0345"},
    {0x1FFC, U"\u03a9\u0399", U"\u1ffc"},
    {0xFB00, U"FF", U"Ff"},
    {0xFB01, U"FI", U"Fi"},
    {0xFB02, U"FL", U"Fl"},
    {0xFB03, U"FFI", U"Ffi"},
    {0xFB04, U"FFL", U"Ffl"},
    {0xFB05, U"ST", U"St"},
    {0xFB06, U"ST", U"St"},
    {0xFB13, U"\u0544\u0546", U"\u0544\u0576"},
    {0xFB14, U"\u0544\u0535", U"\u0544\u0565"},
    {0xFB15, U"\u0544\u053b", U"\u0544\u056b"},
    {0xFB16, U"\u054e\u0546", U"\u054e\u0576"},
    {0xFB17, U"\u0544\u053d", U"\u0544\u056d"},
}};
// clang-format on

const Expansion* find_expansion(char32_t value) {
  const auto found =
      std::lower_bound(kExpansions.begin(), kExpansions.end(), value,
                       [](const Expansion& row, char32_t key) { return row.from < key; });
  return found != kExpansions.end() && found->from == value ? &*found : nullptr;
}

bool has_subscript_iota(char32_t value) { return value >= 0x1F80 && value <= 0x1FAF; }

void append_upper(std::string& out, char32_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value >= 'a' && value <= 'z' ? value - 32 : value));
  } else if (has_subscript_iota(value)) {
    constexpr std::array<char32_t, 3> kRows = {0x1F08, 0x1F28, 0x1F68};
    append_code_point(out, kRows[(value - 0x1F80) / 16] + (value & 7));
    append_code_point(out, 0x0399);
  } else if (const Expansion* expansion = find_expansion(value)) {
    for (const char32_t part : expansion->upper) append_code_point(out, part);
  } else {
    append_code_point(
        out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(value))));
  }
}

void append_title(std::string& out, char32_t value) {
  if (value < 0x80) {
    append_upper(out, value);
  } else if (has_subscript_iota(value)) {
    append_code_point(out, value | 8);
  } else if (const Expansion* expansion = find_expansion(value)) {
    for (const char32_t part : expansion->title) append_code_point(out, part);
  } else {
    append_code_point(
        out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(value))));
  }
}

// Marks and signs that Unicode skips when it looks for the end of a word (Case_Ignorable).
bool is_case_ignorable(char32_t value) {
  if (value < 0x80)
    return value == '\'' || value == '.' || value == ':' || value == '^' || value == '`';
  const auto found = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return found == UTF8PROC_CATEGORY_MN || found == UTF8PROC_CATEGORY_ME ||
         found == UTF8PROC_CATEGORY_CF || found == UTF8PROC_CATEGORY_LM ||
         found == UTF8PROC_CATEGORY_SK || value == 0xB7 || value == 0x2019;
}

// No cased letter follows in the word: with one before it, a sigma at the place is a final one.
bool ends_word(std::string_view text, std::size_t after) {
  for (std::size_t i = after; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (!is_case_ignorable(point.value)) return !is_cased(point.value);
    i += point.size;
  }
  return true;
}

// Lower case of a text from left to right; remembers what a sigma needs to know.
class Lowering {
 public:
  explicit Lowering(std::string_view text) : text_(text) {}

  // Passes over a code point that something else has converted.
  void skip(CodePoint point) {
    if (!is_case_ignorable(point.value)) cased_before_ = is_cased(point.value);
  }

  void append(std::string& out, std::size_t at) {
    const CodePoint point = decode_at(text_, at);
    append_lower(out, point, at);
    skip(point);
  }

 private:
  void append_lower(std::string& out, CodePoint point, std::size_t at) const {
    const char32_t value = point.value;
    if (value < 0x80) {
      out.push_back(static_cast<char>(value >= 'A' && value <= 'Z' ? value + 32 : value));
    } else if (value == 0x03A3) {
      const bool final_sigma = cased_before_ && ends_word(text_, at + point.size);
      append_code_point(out, final_sigma ? 0x03C2 : 0x03C3);
    } else if (value == 0x0130) {
      out += "i\u0307";
    } else {
      const auto lower = utf8proc_tolower(static_cast<utf8proc_int32_t>(value));
      append_code_point(out, static_cast<char32_t>(lower));
    }
  }

  std::string_view text_;
  bool cased_before_ = false;
};

}  // namespace

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    append_upper(out, point.value);
    i += point.size;
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Lowering lowering(text);
  for (std::size_t i = 0; i < text.size(); i += decode_at(text, i).size) lowering.append(out, i);
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Lowering lowering(text);
  bool inside_word = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (inside_word) {
      lowering.append(out, i);
    } else {
      append_title(out, point.value);
      lowering.skip(point);
    }
    inside_word = is_cased(point.value);
    i += point.size;
  }
  return out;
}

std::string to_capitalized(std::string_view text) {
  if (text.empty()) return {};
  std::string out;
  out.reserve(text.size());
  Lowering lowering(text);
  const CodePoint first = decode_at(text, 0);
  append_title(out, first.value);
  lowering.skip(first);
  for (std::size_t i = first.size; i < text.size(); i += decode_at(text, i).size)
    lowering.append(out, i);
  return out;
}

}  // namespace lathe::text::jinja
