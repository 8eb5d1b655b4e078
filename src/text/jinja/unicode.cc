#include "text/jinja/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>

namespace lathe::text::jinja {
namespace {

constexpr char32_t kStrayByte = 0xDC00;  // + the byte, 0x80 to 0xFF

bool is_stray_byte(char32_t value) { return value >= 0xDC80 && value <= 0xDCFF; }

utf8proc_category_t category(char32_t value) {
  if (value > 0x10FFFF) return UTF8PROC_CATEGORY_CN;
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

bool contains_code_point(std::string_view characters, std::string_view one) {
  for (std::size_t i = 0; i < characters.size();) {
    const std::size_t size = decode_at(characters, i).size;
    if (characters.substr(i, size) == one) return true;
    i += size;
  }
  return false;
}

bool is_stripped(std::string_view one, std::optional<std::string_view> characters) {
  return characters ? contains_code_point(*characters, one) : is_space(decode_at(one, 0).value);
}

// Where the code point that ends at `end` begins.
std::size_t previous_begin(std::string_view text, std::size_t end) {
  const std::size_t earliest = end >= 4 ? end - 4 : 0;
  for (std::size_t begin = earliest; begin + 1 < end; ++begin)
    if (begin + decode_at(text, begin).size == end) return begin;
  return end - 1;
}

}  // namespace

CodePoint decode_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  utf8proc_int32_t value = -1;
  const auto size = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
      static_cast<utf8proc_ssize_t>(std::min<std::size_t>(4, text.size() - at)), &value);
  if (size <= 0 || value < 0) return {kStrayByte + first, 1};
  return {static_cast<char32_t>(value), static_cast<std::size_t>(size)};
}

void append_code_point(std::string& out, char32_t value) {
  if (is_stray_byte(value)) {
    out.push_back(static_cast<char>(value - kStrayByte));
    return;
  }
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += decode_at(text, i).size) ++count;
  return count;
}

std::vector<std::string_view> split_code_points(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = decode_at(text, i).size;
    parts.push_back(text.substr(i, size));
    i += size;
  }
  return parts;
}

std::size_t byte_of_code_point(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += decode_at(text, at).size;
  return at;
}

bool is_space(char32_t value) {
  if (value < 0x80) return (value >= 9 && value <= 13) || (value >= 28 && value <= 32);
  return value == 0x85 || value == 0xA0 || value == 0x1680 ||
         (value >= 0x2000 && value <= 0x200A) || value == 0x2028 || value == 0x2029 ||
         value == 0x202F || value == 0x205F || value == 0x3000;
}

bool is_line_break(char32_t value) {
  return (value >= 10 && value <= 13) || (value >= 28 && value <= 30) || value == 0x85 ||
         value == 0x2028 || value == 0x2029;
}

bool is_alphabetic(char32_t value) {
  const auto found = category(value);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal_digit(char32_t value) { return category(value) == UTF8PROC_CATEGORY_ND; }

bool is_numeric(char32_t value) {
  const auto found = category(value);
  return found >= UTF8PROC_CATEGORY_ND && found <= UTF8PROC_CATEGORY_NO;
}

bool is_upper(char32_t value) { return category(value) == UTF8PROC_CATEGORY_LU; }

bool is_lower(char32_t value) { return category(value) == UTF8PROC_CATEGORY_LL; }

bool is_cased(char32_t value) {
  return is_upper(value) || is_lower(value) || category(value) == UTF8PROC_CATEGORY_LT;
}

bool has_only_case(std::string_view text, bool (*wanted)(char32_t)) {
  bool any = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (is_cased(point.value)) {
      if (!wanted(point.value)) return false;
      any = true;
    }
    i += point.size;
  }
  return any;
}

std::string_view strip(std::string_view text, Sides sides,
                       std::optional<std::string_view> characters) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (sides.left && begin < end) {
    const std::size_t size = decode_at(text, begin).size;
    if (!is_stripped(text.substr(begin, size), characters)) break;
    begin += size;
  }
  while (sides.right && begin < end) {
    const std::size_t last = previous_begin(text, end);
    if (!is_stripped(text.substr(last, end - last), characters)) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    std::size_t next = i + point.size;
    if (is_line_break(point.value)) {
      if (point.value == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(begin, (keep_ends ? next : i) - begin));
      begin = next;
    }
    i = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

}  // namespace lathe::text::jinja
