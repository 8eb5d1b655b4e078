#include "text/serde_json_number.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "base/result.h"

namespace lathe::text {
namespace {

// digits * 10^exponent.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};

// The shortest decimal has at most 17 digits: they fit.
Decimal shortest_decimal(double value) {
  const std::string text = fmt::format("{}", value);
  Decimal out;
  bool fraction = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      fraction = true;
    } else if (text[i] == 'e') {
      int exponent = 0;
      const std::size_t begin = i + (text[i + 1] == '+' ? 2 : 1);
      std::from_chars(text.data() + begin, text.data() + text.size(), exponent);
      out.exponent += exponent;
      break;
    } else {
      out.digits = out.digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
      if (fraction) --out.exponent;
    }
  }
  return out;
}

// The nearest double of 10^n; 0 <= n <= 308.
double power_of_ten(int n) {
  double power = 0;
  const std::string text = fmt::format("1e{}", n);
  std::from_chars(text.data(), text.data() + text.size(), power);
  return power;
}

}  // namespace

double as_serde_json_reads(double value) {
  LATHE_ASSERT(std::isfinite(value));
  const Decimal decimal = shortest_decimal(std::abs(value));
  auto out = static_cast<double>(decimal.digits);
  int exponent = decimal.exponent;
  for (; exponent < -308; exponent += 308) out /= 1e308;
  out = exponent < 0 ? out / power_of_ten(-exponent) : out * power_of_ten(exponent);
  return std::signbit(value) ? -out : out;
}

double for_serde_json_to_read(double value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double near :
       {value, std::nextafter(value, kInfinity), std::nextafter(value, -kInfinity)}) {
    if (std::isfinite(near) && as_serde_json_reads(near) == value) return near;
  }
  return value;  // rounding passes over a few doubles
}

}  // namespace lathe::text
