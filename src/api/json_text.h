// JSON text to a value, bounded and strict: depth is limited, a repeated key is an error (two
// readers could disagree on which one counts), and an error says line and column.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lathe::api {

// Errors: bad_input with an empty `where`.
Result<nlohmann::json> parse_json(std::string_view text, int max_depth);

// A value for the wire, on one line, its members in the order they were put in; bytes that are no
// UTF-8 become U+FFFD.
std::string compact(const nlohmann::ordered_json& value);

// A value for people to read, in at most max_bytes or so.
std::string excerpt(const nlohmann::json& value, std::size_t max_bytes = 60);

}  // namespace lathe::api
