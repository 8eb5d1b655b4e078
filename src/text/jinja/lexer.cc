#include "text/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

char closer_of(char open) { return open == '(' ? ')' : open == '[' ? ']' : '}'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) LATHE_CHECK(next_section());
    add(TokenType::end, {});
    return std::move(tokens_);
  }

 private:
  // Text up to the next tag, and that tag.
  Status next_section() {
    const std::size_t begin = at_;
    const std::size_t tag = find_tag(begin);
    if (tag == std::string_view::npos) {
      add_data(source_.substr(begin));
      advance_to(source_.size());
      return {};
    }
    const char kind = source_[tag + 1];
    const char sign = sign_at(tag + 2);
    add_data(before_tag(begin, tag, sign, kind != '{'));
    advance_to(tag + 2 + (sign ? 1 : 0));
    if (kind == '#') return skip_comment();
    if (kind == '%' && at_raw_tag("raw")) return read_raw();
    return read_tag(kind == '{');
  }

  std::size_t find_tag(std::size_t from) const {
    for (std::size_t i = source_.find('{', from); i != std::string_view::npos;
         i = source_.find('{', i + 1)) {
      const char next = i + 1 < source_.size() ? source_[i + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return i;
    }
    return std::string_view::npos;
  }

  char sign_at(std::size_t at) const {
    const char c = at < source_.size() ? source_[at] : '\0';
    return c == '-' || c == '+' ? c : '\0';
  }

  // The text [begin, tag) as the tag's whitespace control leaves it.
  std::string_view before_tag(std::size_t begin, std::size_t tag, char sign,
                              bool strips_line) const {
    const std::string_view text = source_.substr(begin, tag - begin);
    if (sign == '-') return strip(text, {.left = false});
    if (sign == '+' || !strips_line) return text;
    const std::size_t newline = text.rfind('\n');
    const bool line_starts =
        newline != std::string_view::npos || begin == 0 || source_[begin - 1] == '\n';
    const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (!line_starts || !strip(text.substr(line)).empty()) return text;
    return text.substr(0, line);
  }

  // Moves past what follows the end of a tag: white space after '-', one newline after a block.
  void after_tag(char sign, bool trims_newline) {
    if (sign == '-') {
      const std::string_view rest = source_.substr(at_);
      advance_to(source_.size() - strip(rest, {.right = false}).size());
    } else if (sign != '+' && trims_newline && at_ < source_.size() && source_[at_] == '\n') {
      advance_to(at_ + 1);
    }
  }

  Status skip_comment() {
    const int line = line_;
    const std::size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos)
      return Error::bad_input("a comment is not closed").at(line_place(line)).fix_with("add #}");
    const char sign = end > at_ ? sign_at(end - 1) : '\0';
    advance_to(end + 2);
    after_tag(sign, true);
    return {};
  }

  // Whether a tag `raw` or `endraw` is here, its delimiter and sign already passed.
  bool at_raw_tag(std::string_view word) {
    std::size_t i = skip_space(at_);
    if (source_.substr(i, word.size()) != word) return false;
    i = skip_space(i + word.size());
    const char sign = sign_at(i);
    const std::size_t close = i + (sign ? 1 : 0);
    if (source_.substr(close, 2) != "%}") return false;
    if (word == "raw" && sign == '+') return false;
    raw_sign_ = sign;
    raw_end_ = close + 2;
    return true;
  }

  Status read_raw() {
    const int line = line_;
    advance_to(raw_end_);
    if (raw_sign_ == '-') after_tag('-', false);
    const std::size_t begin = at_;
    for (std::size_t tag = source_.find("{%", begin); tag != std::string_view::npos;
         tag = source_.find("{%", tag + 2)) {
      const char sign = sign_at(tag + 2);
      const auto [old_at, old_line] = std::pair(at_, line_);
      at_ = tag + 2 + (sign ? 1 : 0);
      const bool ends = at_raw_tag("endraw");
      at_ = old_at;
      line_ = old_line;
      if (!ends) continue;
      add_data(before_tag(begin, tag, sign, true));
      advance_to(raw_end_);
      after_tag(raw_sign_, true);
      return {};
    }
    return Error::bad_input("a raw section is not closed")
        .at(line_place(line))
        .fix_with("add {% endraw %}");
  }

  // The inside of {{ … }} or {% … %}.
  Status read_tag(bool variable) {
    const int line = line_;
    const std::string_view close = variable ? "}}" : "%}";
    add(variable ? TokenType::variable_begin : TokenType::block_begin, {});
    brackets_.clear();
    while (true) {
      advance_to(skip_space(at_));
      if (at_ >= source_.size())
        return Error::bad_input("a tag is not closed")
            .at(line_place(line))
            .fix_with("add " + std::string(close));
      if (brackets_.empty() && read_tag_end(variable, close)) return {};
      LATHE_CHECK(read_token());
    }
  }

  bool read_tag_end(bool variable, std::string_view close) {
    const char sign = sign_at(at_);
    if (sign == '+' && variable) return false;
    const std::size_t begin = at_ + (sign ? 1 : 0);
    if (source_.substr(begin, 2) != close) return false;
    add(variable ? TokenType::variable_end : TokenType::block_end, {});
    advance_to(begin + 2);
    after_tag(sign, !variable);
    return true;
  }

  Status read_token() {
    const char c = source_[at_];
    if (is_digit(c)) return read_number();
    if (is_name_start(c)) {
      std::size_t end = at_;
      while (end < source_.size() && is_name_part(source_[end])) ++end;
      take(TokenType::name, end);
      return {};
    }
    if (c == '\'' || c == '"') return read_string(c);
    return read_symbol();
  }

  // Past digits with single underscores between them, from `from`; `from` itself if there are none.
  std::size_t skip_digits(std::size_t from) const {
    std::size_t i = from;
    while (i < source_.size()) {
      if (is_digit(source_[i])) {
        ++i;
      } else if (source_[i] == '_' && i > from && i + 1 < source_.size() &&
                 is_digit(source_[i + 1])) {
        i += 2;
      } else {
        break;
      }
    }
    return i;
  }

  Status read_number() {
    const char second = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
    if (source_[at_] == '0' && std::string_view("xXoObB").find(second) != std::string_view::npos &&
        second != '\0') {
      std::size_t end = at_ + 2;
      while (end < source_.size() && (is_name_part(source_[end]))) ++end;
      take(TokenType::integer, end);
      return {};
    }
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const std::size_t whole = skip_digits(at_);
    const std::size_t end = after_dot ? whole : skip_fraction(whole);
    take(end > whole ? TokenType::floating : TokenType::integer, end);
    return {};
  }

  // Past ".5", "e-3" or ".5e-3"; `whole` if neither is there.
  std::size_t skip_fraction(std::size_t whole) const {
    std::size_t end = whole;
    if (end < source_.size() && source_[end] == '.') {
      const std::size_t fraction = skip_digits(end + 1);
      if (fraction > end + 1) end = fraction;
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t digits = end + 1;
      if (sign_at(digits)) ++digits;
      const std::size_t exponent = skip_digits(digits);
      if (exponent > digits) end = exponent;
    }
    return end;
  }

  Status read_string(char quote) {
    for (std::size_t i = at_ + 1; i < source_.size(); ++i) {
      if (source_[i] == '\\') {
        ++i;
      } else if (source_[i] == quote) {
        take(TokenType::string, i + 1);
        return {};
      }
    }
    return Error::bad_input("a string is not closed").at(line_place(line_));
  }

  Status read_symbol() {
    const std::string_view two = source_.substr(at_, 2);
    for (const std::string_view symbol : {"//", "**", "==", "!=", ">=", "<="})
      if (two == symbol) {
        take(TokenType::symbol, at_ + 2);
        return {};
      }
    const char c = source_[at_];
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos)
      return Error::bad_input(fmt::format("unexpected character {}",
                                          source_.substr(at_, decode_at(source_, at_).size)))
          .at(line_place(line_));
    LATHE_CHECK(balance(c));
    take(TokenType::symbol, at_ + 1);
    return {};
  }

  Status balance(char c) {
    if (c == '(' || c == '[' || c == '{') {
      brackets_.push_back(closer_of(c));
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty() || brackets_.back() != c)
        return Error::bad_input(brackets_.empty() ? fmt::format("unexpected '{}'", c)
                                                  : fmt::format("unexpected '{}', expected '{}'", c,
                                                                brackets_.back()))
            .at(line_place(line_));
      brackets_.pop_back();
    }
    return {};
  }

  std::size_t skip_space(std::size_t from) const {
    while (from < source_.size()) {
      const CodePoint point = decode_at(source_, from);
      if (!is_space(point.value)) break;
      from += point.size;
    }
    return from;
  }

  void take(TokenType type, std::size_t end) {
    add(type, source_.substr(at_, end - at_));
    advance_to(end);
  }

  void add(TokenType type, std::string_view text) { tokens_.push_back({type, text, line_}); }

  void add_data(std::string_view text) {
    if (!text.empty()) add(TokenType::data, text);
  }

  void advance_to(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
  std::vector<char> brackets_;  // the closers that are waited for
  char raw_sign_ = '\0';        // of the last tag that at_raw_tag() found
  std::size_t raw_end_ = 0;
};

}  // namespace

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
      continue;
    }
    out.push_back('\n');
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

std::string line_place(int line) { return fmt::format("line {}", line); }

}  // namespace lathe::text::jinja
