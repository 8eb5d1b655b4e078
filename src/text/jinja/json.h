// JSON in and out of template values. Writing gives the bytes of Python's json.dumps (which is what
// templates were trained with); reading keeps the order of members and the digits of large
// integers, and refuses nesting past kMaxValueDepth.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

struct JsonStyle {
  bool ascii_only = false;  // ensure_ascii
  bool sort_keys = false;
  std::optional<std::string> indent;  // text of one level; none: all on one line
  // None: ", " (or "," with an indent) and ": ".
  std::optional<std::string> item_separator;
  std::optional<std::string> key_separator;
};

// Errors: bad_input for what JSON cannot say (undefined, generators, functions); limit.
Result<std::string> write_json(Budget& budget, const Value& value, const JsonStyle& style = {});

// Errors: bad_input with the position; a member given twice keeps its last value, as in Python.
Result<Value> read_json(std::string_view text);

}  // namespace lathe::text::jinja
