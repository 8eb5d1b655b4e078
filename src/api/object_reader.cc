#include "api/object_reader.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace lathe::api {

using nlohmann::json;

ObjectReader::ObjectReader(const json& object, std::string path)
    : object_(&object), path_(std::move(path)) {
  if (object.is_object()) return;
  error_ = Error::bad_input(fmt::format("expected a JSON object, not {}", object.type_name()));
  error_->where = path_;
}

const json* ObjectReader::field(std::string_view name) {
  known_.emplace(name);
  if (!object_->is_object()) return nullptr;
  const auto found = object_->find(std::string(name));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

void ObjectReader::wrong_type(std::string_view name, std::string_view wanted, const json& got) {
  fail(name, Error::bad_input(fmt::format("expected {}, not {}", wanted, excerpt(got))));
}

std::optional<bool> ObjectReader::boolean(std::string_view name) {
  const json* value = field(name);
  if (!value) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(name, "true or false", *value);
  return std::nullopt;
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view name, std::int64_t least,
                                                  std::int64_t most) {
  const json* value = field(name);
  if (!value) return std::nullopt;
  const std::string wanted =
      least == INT64_MIN ? "an integer" : fmt::format("an integer from {} to {}", least, most);
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
  if (!fits || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most) {
    wrong_type(name, wanted, *value);
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<double> ObjectReader::number(std::string_view name, double least, double most) {
  const json* value = field(name);
  if (!value) return std::nullopt;
  if (!value->is_number() || value->get<double>() < least || value->get<double>() > most) {
    wrong_type(name, fmt::format("a number from {} to {}", least, most), *value);
    return std::nullopt;
  }
  return value->get<double>();
}

std::string ObjectReader::required_string(std::string_view name, std::size_t max_bytes) {
  const json* value = field(name);
  if (!value) {
    fail(name, Error::bad_input(fmt::format("the required field '{}' is missing", name)));
    return {};
  }
  if (!value->is_string() || value->get_ref<const std::string&>().empty()) {
    wrong_type(name, "a string that is not empty", *value);
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    fail(name, Error::limit(
                   fmt::format("{} bytes are more than the {} allowed", text.size(), max_bytes)));
    return {};
  }
  return text;
}

void ObjectReader::harmless(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) known_.emplace(name);
}

void ObjectReader::only_neutral(std::string_view name,
                                std::initializer_list<std::string_view> neutral_json) {
  const json* value = field(name);
  if (!value) return;
  for (const std::string_view neutral : neutral_json) {
    if (*value == json::parse(neutral)) return;
  }
  fail(name, Error::unsupported(fmt::format("{} = {} is not supported", name, excerpt(*value)))
                 .fix_with("leave the field out"));
}

void ObjectReader::fail(std::string_view name, Error error) {
  if (!error_) error_ = std::move(error).at(path_of(name));
}

void ObjectReader::fail_as_is(Error error) {
  if (!error_) error_ = std::move(error);
}

std::string ObjectReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

Status ObjectReader::finish() const {
  if (error_) return *error_;
  for (const auto& [name, value] : object_->items()) {
    if (known_.contains(name)) continue;
    return Error::bad_input(fmt::format("the field {} is not known", excerpt(json(name))))
        .at(path_of(name))
        .fix_with("check its spelling, or leave it out");
  }
  return {};
}

}  // namespace lathe::api
