#include "text/pattern.h"

#include "text/json_fields.h"

namespace lathe::text {

Result<Regex> pattern_field(const Json& component) {
  const Json* pattern = find_field(component, "pattern");
  if (pattern == nullptr) return Error::bad_input("`pattern` is missing");
  if (pattern->is_string()) return Regex::literal(pattern->get_ref<const std::string&>());
  if (find_field(*pattern, "Regex") != nullptr) {
    LATHE_TRY(const std::string text, string_field(*pattern, "Regex"));
    return Regex::compile(text);
  }
  LATHE_TRY(const std::string text, string_field(*pattern, "String"));
  return Regex::literal(text);
}

}  // namespace lathe::text
