// Python's `pattern % arguments`.
#include <fmt/format.h>

#include <cmath>

#include "text/jinja/format.h"
#include "text/jinja/markup.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

struct Conversion {
  bool left = false;
  bool zeros = false;
  bool prefix = false;
  char sign = '-';  // as in a format specification
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

// What Python takes for a mapping here, so that it may stay unused: whatever has elements by key or
// index, but strings.
bool has_elements(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.is(Kind::mapping) || value.is(Kind::undefined) ||
         (sequence && sequence->can_index());
}

class PercentFormatter {
 public:
  PercentFormatter(Budget& budget, const Value& pattern, const Value& arguments)
      : budget_(budget),
        pattern_(*pattern.string()),
        escapes_(pattern.is_markup()),
        arguments_(arguments) {
    const Sequence* sequence = arguments.sequence();
    if (sequence && sequence->type == SequenceType::tuple) tuple_ = sequence;
  }

  Result<std::string> run() {
    while (at_ < pattern_.size()) {
      if (pattern_[at_] != '%') {
        out_.push_back(pattern_[at_++]);
        continue;
      }
      ++at_;
      LATHE_CHECK(convert());
      LATHE_CHECK(budget_.can_make_bytes(out_.size()));
    }
    const std::size_t given = tuple_ ? tuple_->items.size() : has_elements(arguments_) ? 0 : 1;
    if (used_ < given)
      return Error::bad_input("not all arguments were converted during string formatting");
    return std::move(out_);
  }

 private:
  Status convert() {
    if (at_ < pattern_.size() && pattern_[at_] == '%') {
      out_.push_back(pattern_[at_++]);
      return {};
    }
    LATHE_TRY(const Value* named, read_name());
    LATHE_TRY(const Conversion conversion, read_conversion());
    const Value* value = named;
    if (!value) {
      LATHE_TRY(value, next_argument());
    }
    LATHE_TRY(const std::string text, apply(conversion, *value));
    out_ += text;
    return {};
  }

  Result<const Value*> next_argument() {
    if (!tuple_) {
      if (used_++ == 0) return &arguments_;
    } else if (used_ < tuple_->items.size()) {
      return &tuple_->items[used_++];
    }
    return Error::bad_input("not enough arguments for the format string");
  }

  Result<const Value*> read_name() {
    if (at_ >= pattern_.size() || pattern_[at_] != '(') return static_cast<const Value*>(nullptr);
    const std::size_t end = pattern_.find(')', at_);
    if (end == std::string_view::npos) return Error::bad_input("incomplete format key");
    const std::string_view name = pattern_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    const Mapping* mapping = arguments_.mapping();
    if (!mapping) return Error::bad_input("the format string needs a mapping");
    if (const Value* value = mapping->find(name)) return value;
    return Error::bad_input(fmt::format("the format string needs the key '{}'", name));
  }

  Result<Conversion> read_conversion() {
    Conversion conversion;
    for (; at_ < pattern_.size(); ++at_) {
      const char c = pattern_[at_];
      if (c == '-') {
        conversion.left = true;
      } else if (c == '0') {
        conversion.zeros = true;
      } else if (c == '#') {
        conversion.prefix = true;
      } else if (c == '+' || (c == ' ' && conversion.sign == '-')) {
        conversion.sign = c;
      } else if (c != ' ') {
        break;
      }
    }
    LATHE_TRY(conversion.width, read_number());
    if (at_ < pattern_.size() && pattern_[at_] == '.') {
      ++at_;
      LATHE_TRY(conversion.precision, read_number());
    }
    if (at_ >= pattern_.size()) return Error::bad_input("incomplete format");
    conversion.type = pattern_[at_++];
    return conversion;
  }

  Result<std::int64_t> read_number() {
    if (at_ < pattern_.size() && pattern_[at_] == '*')
      return Error::unsupported("a width or precision given by '*' in a format string");
    std::int64_t number = 0;
    for (; at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_) {
      if (number > 1'000'000'000) return Error::limit("a format string has a huge number");
      number = number * 10 + (pattern_[at_] - '0');
    }
    return number;
  }

  Result<std::string> apply(const Conversion& conversion, const Value& value) {
    switch (conversion.type) {
      case 's':
      case 'r': {
        LATHE_TRY(const std::string text, show(conversion, value));
        return pad_string(conversion, text);
      }
      case 'c':
        return convert_character(conversion, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return convert_integer(conversion, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (!value.is_number()) return misuse(value, "a number, as the format string needs it");
        return format_value(budget_, Value(*value.as_double()), specification(conversion));
      default:
        return Error::bad_input(fmt::format("unsupported format character '{}'", conversion.type));
    }
  }

  // The argument of %s or %r.
  Result<std::string> show(const Conversion& conversion, const Value& value) {
    if (conversion.type == 's')
      return escapes_ ? to_markup(budget_, value) : to_text(budget_, value);
    LATHE_TRY(std::string text, to_repr(budget_, value));
    return escapes_ ? escape_html(text) : std::move(text);
  }

  Result<std::string> pad_string(const Conversion& conversion, std::string_view text) {
    if (conversion.precision >= 0)
      text =
          text.substr(0, byte_of_code_point(text, static_cast<std::size_t>(conversion.precision)));
    return pad_text(budget_, text,
                    {conversion.left ? Alignment::left : Alignment::right, conversion.width, " "});
  }

  Result<std::string> convert_character(const Conversion& conversion, const Value& value) {
    std::string text;
    if (const auto code = value.as_integer()) {
      if (*code < 0 || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
        return Error::bad_input("%c was given a number that is no code point");
      append_code_point(text, static_cast<char32_t>(*code));
    } else if (value.string() && count_code_points(*value.string()) == 1) {
      text = *value.string();
    } else {
      return misuse(value, "one character, as %c needs it");
    }
    return pad_string(conversion, text);
  }

  Result<std::string> convert_integer(const Conversion& conversion, const Value& value) {
    const bool decimal = conversion.type == 'd' || conversion.type == 'i' || conversion.type == 'u';
    auto number = value.as_integer();
    if (const double* real = value.floating(); real && decimal && std::fabs(*real) < 0x1p63)
      number = static_cast<std::int64_t>(*real);
    if (!number) return misuse(value, "an integer, as the format string needs it");
    if (conversion.precision >= 0)
      return Error::unsupported("a precision for an integer in a format string");
    Conversion plain = conversion;
    if (decimal) plain.type = 'd';
    return format_value(budget_, Value(*number), specification(plain));
  }

  static std::string specification(const Conversion& conversion) {
    std::string text = conversion.left ? "<" : conversion.zeros ? "0=" : ">";
    text.push_back(conversion.sign);
    if (conversion.prefix) text.push_back('#');
    text += std::to_string(conversion.width);
    if (conversion.precision >= 0) text += fmt::format(".{}", conversion.precision);
    text.push_back(conversion.type);
    return text;
  }

  Budget& budget_;
  std::string_view pattern_;
  bool escapes_;
  const Value& arguments_;
  const Sequence* tuple_ = nullptr;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  std::string out_;
};

}  // namespace

Result<Value> format_percent(Budget& budget, const Value& pattern, const Value& arguments) {
  LATHE_TRY(std::string text, PercentFormatter(budget, pattern, arguments).run());
  return marked_like(pattern, std::move(text));
}

}  // namespace lathe::text::jinja
