// Building strings by pattern: Python's `%`, str.format, padding and replacing. Every function
// checks the budget before it makes a string that can be larger than its operands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

// pattern % arguments: %s %r %d %i %u %f %F %e %E %g %G %x %X %o %c %%, with (name), flags, width
// and precision. Errors: bad_input (a wrong type or count), unsupported (another conversion).
// A marked pattern escapes its arguments. REQUIRES: the pattern is a string.
Result<Value> format_percent(Budget& budget, const Value& pattern, const Value& arguments);

// pattern.format(...): {} {0} {name} {0.attribute} {0[key]}, !s and !r, and a format specification.
Result<Value> format_braces(Interpreter& interpreter, const Value& pattern,
                            const Arguments& arguments);

// One value by a specification such as ">8.2f". Errors: bad_input, unsupported.
Result<std::string> format_value(Budget& budget, const Value& value,
                                 std::string_view specification);

// center puts an odd blank where str.center does, middle at the right as format() does.
enum class Alignment { left, right, center, middle };
struct Padding {
  Alignment alignment;
  std::int64_t width;     // in code points
  std::string_view fill;  // one code point
};
Result<std::string> pad_text(Budget& budget, std::string_view text, const Padding& padding);

// str.replace; a count below 0 is without bound.
Result<std::string> replace_text(Budget& budget, std::string_view text, std::string_view from,
                                 std::string_view to, std::int64_t count);

}  // namespace lathe::text::jinja
