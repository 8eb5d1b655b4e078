// Filters that make a number of a value.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/numbers.h"
#include "text/jinja/operators.h"

namespace lathe::text::jinja {
namespace {

// int(x) of a float. Errors: infinities, NaN, what has more than 64 bits.
Result<Value> truncated(double value) {
  if (!std::isfinite(value)) return Error::bad_input("cannot convert a float that is not finite");
  if (std::fabs(value) >= 0x1p63) return Error::unsupported("an integer of more than 64 bits");
  return Value(static_cast<std::int64_t>(value));
}

Result<Value> filter_int(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("int", given, {"default", "base"}));
  LATHE_TRY(const std::int64_t base, bound.integer(1, 10));
  if (base != 0 && (base < 2 || base > 36))
    return Error::bad_input("int: the base must be 2 to 36");
  if (input.is(Kind::undefined)) return misuse(input, "");
  if (const auto number = input.as_integer()) return Value(*number);
  if (const double* number = input.floating()) return truncated(*number);
  const Value fallback = bound[0] ? *bound[0] : Value(std::int64_t{0});
  const std::string* text = input.string();
  if (!text) return fallback;
  LATHE_TRY(const auto whole, parse_integer(*text, static_cast<int>(base)));
  if (whole) return Value(*whole);
  const auto real = parse_float(*text);
  if (!real || !std::isfinite(*real)) return fallback;
  return truncated(*real);
}

Result<Value> filter_float(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("float", given, {"default"}));
  if (input.is(Kind::undefined)) return misuse(input, "");
  if (const auto number = input.as_double()) return Value(*number);
  if (const std::string* text = input.string())
    if (const auto number = parse_float(*text)) return Value(*number);
  return bound[0] ? *bound[0] : Value(0.0);
}

Result<Value> filter_abs(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("abs", given, {}));
  if (const auto number = input.as_integer()) return apply_sign(*number < 0, Value(*number));
  if (const double* number = input.floating()) return Value(std::fabs(*number));
  return misuse(input, "a number, as abs needs it");
}

// round(x, -digits) of an integer: to a multiple of a power of ten, halves to the even one.
Result<Value> round_integer(std::int64_t value, std::int64_t precision) {
  if (precision >= 0) return Value(value);
  if (precision < -18) return Value(std::int64_t{0});
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i < -precision; ++i) unit *= 10;
  std::int64_t quotient = value / unit;
  const std::int64_t rest = value % unit;
  const std::int64_t half = std::abs(rest);
  const bool up = half > unit - half || (half == unit - half && quotient % 2 != 0);
  if (up) quotient += value < 0 ? -1 : 1;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(quotient, unit, &result))
    return Error::unsupported("an integer of more than 64 bits");
  return Value(result);
}

Result<Value> filter_round(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("round", given, {"precision", "method"}));
  LATHE_TRY(const std::int64_t precision, bound.integer(0, 0));
  LATHE_TRY(const std::string_view method, bound.string(1, "common"));
  if (method != "common" && method != "ceil" && method != "floor")
    return Error::bad_input("round: the method must be common, ceil or floor");
  if (!input.is_number()) return misuse(input, "a number, as round needs it");
  if (method == "common") {
    if (const auto whole = input.as_integer()) return round_integer(*whole, precision);
    return Value(round_decimal(*input.floating(), precision));
  }
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = *input.as_double() * unit;
  const double rounded = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  if (!std::isfinite(rounded / unit)) return Error::bad_input("round: the result is not finite");
  return Value(rounded / unit);
}

constexpr std::array kNumberFilters = {
    NamedFilter{"int", filter_int},
    NamedFilter{"float", filter_float},
    NamedFilter{"abs", filter_abs},
    NamedFilter{"round", filter_round},
};

}  // namespace

std::span<const NamedFilter> number_filters() { return kNumberFilters; }

}  // namespace lathe::text::jinja
