#include "text/json_fields.h"

#include <fmt/format.h>

#include "formats/json.h"

namespace lathe::text {
namespace {

Error wrong_type(const char* name, const char* wanted, const Json* found) {
  if (found == nullptr) return Error::bad_input(fmt::format("`{}` is missing", name));
  return Error::bad_input(
      fmt::format("`{}` must be {}, but is {}", name, wanted, found->type_name()));
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  auto parsed = formats::parse_json(text);
  if (!parsed.ok())
    return std::move(parsed).error().fix_with("the file may be cut short: fetch it again");
  return parsed;
}

const Json* find_field(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> string_field(const Json& object, const char* name) {
  const Json* field = find_field(object, name);
  if (field == nullptr || !field->is_string()) return wrong_type(name, "a string", field);
  return field->get_ref<const std::string&>();
}

Result<const Json*> array_field(const Json& object, const char* name) {
  const Json* field = find_field(object, name);
  if (field == nullptr || !field->is_array()) return wrong_type(name, "an array", field);
  return field;
}

Result<std::int64_t> int_field(const Json& object, const char* name) {
  const Json* field = find_field(object, name);
  if (field == nullptr || !field->is_number_integer()) return wrong_type(name, "an integer", field);
  return field->get<std::int64_t>();
}

Result<bool> bool_field(const Json& object, const char* name, bool otherwise) {
  const Json* field = find_field(object, name);
  if (field == nullptr) return otherwise;
  if (!field->is_boolean()) return wrong_type(name, "true or false", field);
  return field->get<bool>();
}

Result<std::string> string_field(const Json& object, const char* name, std::string otherwise) {
  if (find_field(object, name) == nullptr) return otherwise;
  return string_field(object, name);
}

Result<std::string> component_type(const Json& component) {
  if (!component.is_object())
    return Error::bad_input(
        fmt::format("a component must be an object with a type, but is {}", component.type_name()));
  return string_field(component, "type");
}

Error unknown_component(const char* what, const std::string& type) {
  return Error::unsupported(fmt::format("the {} `{}` is not one that Lathe knows", what, type))
      .fix_with("use a model whose tokenizer.json does without it, or ask for it in an issue");
}

}  // namespace lathe::text
