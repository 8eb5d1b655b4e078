// Reading fields of a parsed JSON object with errors as values: the field's name, what it must be,
// and nothing that throws. Internal to src/text.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lathe::text {

using Json = nlohmann::json;

// Parses a whole text, within the depth and size of formats/json.h; the error has the byte of the
// damage.
Result<Json> parse_json(std::string_view text);

// nullptr when the field is absent or null, or `object` is not an object.
const Json* find_field(const Json& object, const char* name);

// The value of a field that must be there with this type.
Result<std::string> string_field(const Json& object, const char* name);
Result<const Json*> array_field(const Json& object, const char* name);
Result<std::int64_t> int_field(const Json& object, const char* name);

// The same for a field that may be absent or null.
Result<bool> bool_field(const Json& object, const char* name, bool otherwise);
Result<std::string> string_field(const Json& object, const char* name, std::string otherwise);

// The "type" of a component, and the error for one that this build does not know.
Result<std::string> component_type(const Json& component);
Error unknown_component(const char* what, const std::string& type);

}  // namespace lathe::text
