// One value by a format specification: [[fill]align][sign][#][0][width][,][.precision][type].
#include <fmt/format.h>

#include <cstdio>

#include "text/jinja/format.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

constexpr std::int64_t kMaxPrecision = 400;

struct Specification {
  std::string_view fill = " ";
  char align = '\0';  // '<' '>' '^' '=' or 0: by type
  char sign = '-';
  bool prefix = false;  // 0x, 0o, 0b
  std::int64_t width = 0;
  char grouping = '\0';
  std::int64_t precision = -1;
  char type = '\0';
};

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

class SpecificationReader {
 public:
  explicit SpecificationReader(std::string_view text) : rest_(text) {}

  Result<Specification> read() {
    Specification spec;
    read_alignment(spec);
    if (at('+') || at('-') || at(' ')) spec.sign = take();
    if (at('#')) spec.prefix = take() != '\0';
    if (at('0')) {
      take();
      if (!spec.align) {
        spec.fill = "0";
        spec.align = '=';
      }
    }
    LATHE_TRY(spec.width, read_number(0));
    if (at(',') || at('_')) spec.grouping = take();
    if (at('.')) {
      take();
      LATHE_TRY(spec.precision, read_number(-1));
      if (spec.precision < 0) return Error::bad_input("a format specification lacks its precision");
    }
    if (!rest_.empty()) spec.type = take();
    if (!rest_.empty()) return Error::bad_input("invalid format specification");
    if (spec.precision > kMaxPrecision)
      return Error::unsupported(fmt::format("a precision of more than {} digits", kMaxPrecision));
    return spec;
  }

 private:
  void read_alignment(Specification& spec) {
    if (rest_.empty()) return;
    const std::size_t first = decode_at(rest_, 0).size;
    if (rest_.size() > first && is_align(rest_[first])) {
      spec.fill = rest_.substr(0, first);
      spec.align = rest_[first];
      rest_.remove_prefix(first + 1);
    } else if (is_align(rest_[0])) {
      spec.align = take();
    }
  }

  Result<std::int64_t> read_number(std::int64_t fallback) {
    if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return fallback;
    std::int64_t number = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (number > 1'000'000'000) return Error::limit("a format specification has a huge number");
      number = number * 10 + (take() - '0');
    }
    return number;
  }

  bool at(char c) const { return !rest_.empty() && rest_[0] == c; }
  char take() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

Error unknown_type(char type, const Value& value) {
  return Error::bad_input(
      fmt::format("unknown format code '{}' for a value of type '{}'", type, value.type_name()));
}

std::string group_digits(std::string_view digits, char separator, std::size_t every) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % every == 0) out.push_back(separator);
    out.push_back(digits[i]);
  }
  return out;
}

// A number taken apart, so that padding can go between sign and digits.
struct NumberText {
  std::string sign;  // with the prefix 0x
  std::string digits;
};

std::string sign_text(bool negative, char style) {
  if (negative) return "-";
  return style == '-' ? "" : std::string(1, style);
}

Result<NumberText> integer_parts(const Value& value, const Specification& spec) {
  const std::int64_t number = *value.as_integer();
  const std::uint64_t size =
      number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  NumberText parts{sign_text(number < 0, spec.sign), {}};
  if (spec.precision >= 0) return Error::bad_input("an integer is formatted without precision");
  switch (spec.type) {
    case '\0':
    case 'd':
      parts.digits = fmt::format("{}", size);
      break;
    case 'x':
      parts.digits = fmt::format("{:x}", size);
      break;
    case 'X':
      parts.digits = fmt::format("{:X}", size);
      break;
    case 'o':
      parts.digits = fmt::format("{:o}", size);
      break;
    case 'b':
      parts.digits = fmt::format("{:b}", size);
      break;
    default:
      return unknown_type(spec.type, value);
  }
  const bool decimal = spec.type == '\0' || spec.type == 'd';
  if (spec.grouping) parts.digits = group_digits(parts.digits, spec.grouping, decimal ? 3 : 4);
  if (spec.prefix && !decimal) parts.sign += fmt::format("0{}", spec.type);
  return parts;
}

std::string float_digits(double size, char type, std::int64_t precision) {
  const int digits = precision < 0 ? 6 : static_cast<int>(precision);
  const char conversion[] = {'%', '.', '*', type, '\0'};
  std::string out(static_cast<std::size_t>(digits) + 340, '\0');
  const int written = std::snprintf(out.data(), out.size(), conversion, digits, size);
  out.resize(written > 0 ? static_cast<std::size_t>(written) : 0);
  return out;
}

Result<NumberText> float_parts(const Value& value, const Specification& spec) {
  const double number = *value.as_double();
  const bool negative = std::signbit(number);
  const double size = negative ? -number : number;
  NumberText parts{sign_text(negative, spec.sign), {}};
  switch (spec.type) {
    case '\0':
      if (spec.precision >= 0)
        return Error::unsupported("a float with precision and no type")
            .fix_with("write .2f or .2g");
      parts.digits = float_text(size);
      break;
    case '%':
      parts.digits = float_digits(size * 100, 'f', spec.precision) + "%";
      break;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
      parts.digits = float_digits(size, spec.type, spec.precision);
      break;
    default:
      return unknown_type(spec.type, value);
  }
  if (!spec.grouping) return parts;
  const std::size_t whole =
      std::min(parts.digits.find_first_not_of("0123456789"), parts.digits.size());
  parts.digits = group_digits(std::string_view(parts.digits).substr(0, whole), spec.grouping, 3) +
                 parts.digits.substr(whole);
  return parts;
}

Result<std::string> pad_number(Budget& budget, const NumberText& parts, const Specification& spec) {
  if (spec.align == '=' && spec.grouping && spec.fill == "0")
    return Error::unsupported("zero padding together with a thousands separator");
  const auto sign_size = static_cast<std::int64_t>(parts.sign.size());
  if (spec.align == '=') {
    LATHE_TRY(
        const std::string digits,
        pad_text(budget, parts.digits, {Alignment::right, spec.width - sign_size, spec.fill}));
    return parts.sign + digits;
  }
  const Alignment alignment = spec.align == '<'   ? Alignment::left
                              : spec.align == '^' ? Alignment::middle
                                                  : Alignment::right;
  return pad_text(budget, parts.sign + parts.digits, {alignment, spec.width, spec.fill});
}

Result<std::string> format_string(Budget& budget, const Value& value, const Specification& spec) {
  if (spec.type != '\0' && spec.type != 's') return unknown_type(spec.type, value);
  if (spec.align == '=' || spec.sign != '-' || spec.grouping || spec.prefix)
    return Error::bad_input("a format specification for numbers was given a string");
  std::string_view text = *value.string();
  if (spec.precision >= 0)
    text = text.substr(0, byte_of_code_point(text, static_cast<std::size_t>(spec.precision)));
  const Alignment alignment = spec.align == '>'   ? Alignment::right
                              : spec.align == '^' ? Alignment::middle
                                                  : Alignment::left;
  return pad_text(budget, text, {alignment, spec.width, spec.fill});
}

bool is_float_type(char type) {
  return std::string_view("fFeEgG%").find(type) != std::string_view::npos;
}

}  // namespace

Result<std::string> format_value(Budget& budget, const Value& value,
                                 std::string_view specification) {
  if (specification.empty()) return to_text(budget, value);
  LATHE_TRY(const Specification spec, SpecificationReader(specification).read());
  if (value.is(Kind::string)) return format_string(budget, value, spec);
  if (value.as_integer() && (spec.type == '\0' || !is_float_type(spec.type))) {
    LATHE_TRY(const NumberText parts, integer_parts(value, spec));
    return pad_number(budget, parts, spec);
  }
  if (value.is_number()) {
    LATHE_TRY(const NumberText parts, float_parts(value, spec));
    return pad_number(budget, parts, spec);
  }
  return misuse(value, "formatted by a specification");
}

}  // namespace lathe::text::jinja
