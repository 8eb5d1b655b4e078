// The tests: `value is name(arguments)`.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

class Interpreter;

// Errors: bad_input (no such test, wrong arguments, a value the test cannot take), limit.
Result<bool> apply_test(Interpreter& interpreter, std::string_view name, const Value& input,
                        const Arguments& arguments);
bool test_exists(std::string_view name);

}  // namespace lathe::text::jinja
