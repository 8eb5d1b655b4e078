// Values as Python prints them: str() and repr().
#pragma once

#include <string>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

// str(value): what `{{ value }}` writes. Undefined prints as nothing, None as "None".
// Errors: limit (a huge nested value).
Result<std::string> to_text(Budget& budget, const Value& value);

// repr(value): how it prints inside a list, with quotes and escapes.
Result<std::string> to_repr(Budget& budget, const Value& value);

// The shortest decimal that reads back as the same double, in Python's notation: "1.0", "1e-07".
std::string float_text(double value);

}  // namespace lathe::text::jinja
