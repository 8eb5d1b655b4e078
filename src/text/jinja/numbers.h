// Numbers from text and rounding, by Python's rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace lathe::text::jinja {

// int(text, base): white space around, a sign, single underscores, and the prefix of the base (any
// with base 0). No value when it is not such a number. Errors: more than 64 bits.
Result<std::optional<std::int64_t>> parse_integer(std::string_view text, int base);

// float(text): also "inf", "infinity" and "nan" in any case.
std::optional<double> parse_float(std::string_view text);

// round(value, precision): exact decimal rounding, halves to even.
double round_decimal(double value, std::int64_t precision);

}  // namespace lathe::text::jinja
