#include "text/jinja/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>

#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

// The digits without underscores; none if an underscore does not stand between two characters.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || text[i - 1] == '_') {
      return std::nullopt;
    }
  }
  return digits;
}

// Removes "0x", "0o" or "0b" where the base allows it, and settles base 0.
int resolve_prefix(std::string_view& text, int base) {
  const char letter = text.size() > 2 && text[0] == '0' ? static_cast<char>(text[1] | 32) : '\0';
  const int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (named != 0 && (base == 0 || base == named)) {
    text.remove_prefix(2);
    if (text[0] == '_') text.remove_prefix(1);
    return named;
  }
  return base == 0 ? 10 : base;
}

}  // namespace

Result<std::optional<std::int64_t>> parse_integer(std::string_view text, int base) {
  using Parsed = std::optional<std::int64_t>;
  text = strip(text);
  std::string signed_digits;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    if (text[0] == '-') signed_digits = "-";
    text.remove_prefix(1);
  }
  base = resolve_prefix(text, base);
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || (*digits)[0] == '-') return Parsed();
  signed_digits += *digits;
  std::int64_t value = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto parsed = std::from_chars(signed_digits.data(), end, value, base);
  if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) return Parsed();
  if (parsed.ec == std::errc::result_out_of_range)
    return Error::unsupported("an integer of more than 64 bits");
  return Parsed(value);
}

std::optional<double> parse_float(std::string_view text) {
  text = strip(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || (*digits)[0] == '-' || digits->find('(') != std::string::npos)
    return std::nullopt;
  double value = 0;
  const char* end = digits->data() + digits->size();
  const auto parsed = std::from_chars(digits->data(), end, value);
  if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(digits->c_str(), nullptr);
  return negative ? -value : value;
}

double round_decimal(double value, std::int64_t precision) {
  if (!std::isfinite(value) || precision > 330) return value;
  if (precision < 0) {
    if (precision < -308) return std::copysign(0.0, value);
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / unit) * unit;
  }
  char digits[700];
  const int size = std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), value);
  double rounded = value;
  std::from_chars(digits, digits + size, rounded);
  return rounded;
}

}  // namespace lathe::text::jinja
