// String literals: Python's escapes.
#include <fmt/format.h>

#include "text/jinja/lexer.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// The control character of \a, \b, …, the character itself of \\, \' and \", or 0.
char simple_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return '\0';
  }
}

class Unquoter {
 public:
  explicit Unquoter(std::string_view body) : body_(body) {}

  Result<std::string> run() {
    while (at_ < body_.size()) {
      const char c = body_[at_++];
      if (c != '\\' || at_ == body_.size()) {
        out_.push_back(c);
      } else {
        LATHE_CHECK(escape(body_[at_++]));
      }
    }
    return std::move(out_);
  }

 private:
  Status escape(char c) {
    if (const char simple = simple_escape(c)) {
      out_.push_back(simple);
      return {};
    }
    if (c == '\n') return {};
    if (c == 'x') return code_point(2);
    if (c == 'u') return unicode_unit();
    if (c == 'U') return code_point(8);
    if (c >= '0' && c <= '7') {
      octal();
      return {};
    }
    if (c == 'N') return Error::unsupported("the escape \\N{…} in a string");
    out_.push_back('\\');
    out_.push_back(c);
    return {};
  }

  Result<char32_t> hexadecimal(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const int digit = at_ < body_.size() ? digit_value(body_[at_]) : 99;
      if (digit > 15) return Error::bad_input("an escape in a string lacks hexadecimal digits");
      value = value * 16 + static_cast<char32_t>(digit);
      ++at_;
    }
    return value;
  }

  Status code_point(std::size_t digits) {
    LATHE_TRY(const char32_t value, hexadecimal(digits));
    return append(value);
  }

  // \uXXXX; a pair of surrogates makes one code point.
  Status unicode_unit() {
    LATHE_TRY(const char32_t value, hexadecimal(4));
    if (value < 0xD800 || value > 0xDBFF || body_.substr(at_, 2) != "\\u") return append(value);
    at_ += 2;
    LATHE_TRY(const char32_t low, hexadecimal(4));
    if (low < 0xDC00 || low > 0xDFFF) return append(value);
    return append(0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00));
  }

  void octal() {
    char32_t value = 0;
    --at_;
    for (int i = 0; i < 3 && at_ < body_.size() && digit_value(body_[at_]) < 8; ++i)
      value = value * 8 + static_cast<char32_t>(digit_value(body_[at_++]));
    append_code_point(out_, value);
  }

  Status append(char32_t value) {
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
      return Error::bad_input(fmt::format("an escape in a string is no code point: U+{:X}",
                                          static_cast<std::uint32_t>(value)));
    append_code_point(out_, value);
    return {};
  }

  std::string_view body_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> unquote(std::string_view literal) {
  return Unquoter(literal.substr(1, literal.size() - 2)).run();
}

}  // namespace lathe::text::jinja
