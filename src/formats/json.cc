#include "formats/json.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

// Builds the value from the parser's events and stops at the first breach of a limit.
class Builder final : public nlohmann::json_sax<json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return fail("a JSON text holds no binary values"); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (open_.back().value.contains(name))
      return fail(fmt::format("the key {} stands twice", in_quotes(name)));
    open_.back().key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    if (!error_)
      error_ = Error::bad_input(fmt::format("this is no valid JSON from byte {} on", position));
    return false;
  }

  Result<json> finish() && {
    if (error_) return std::move(*error_);
    return std::move(root_);
  }

 private:
  struct Open {
    json value;
    std::string key;  // of the member that comes next, when value is an object
  };

  bool fail(std::string what, ErrorKind kind = ErrorKind::bad_input) {
    if (!error_) error_ = Error{kind, std::move(what), {}, {}};
    return false;
  }

  bool count() {
    if (++values_ <= limits_.max_values) return true;
    return fail(fmt::format("the JSON has more than {} values", limits_.max_values),
                ErrorKind::limit);
  }

  void place(json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Open& parent = open_.back(); parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else {
      parent.value[parent.key] = std::move(value);
    }
  }

  bool add(json value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }

  bool open(json value) {
    if (!count()) return false;
    if (open_.size() >= limits_.max_depth)
      return fail(fmt::format("the JSON is nested deeper than {}", limits_.max_depth),
                  ErrorKind::limit);
    open_.push_back({std::move(value), {}});
    return true;
  }

  bool close() {
    json value = std::move(open_.back().value);
    open_.pop_back();
    place(std::move(value));
    return true;
  }

  const JsonLimits& limits_;
  std::vector<Open> open_;
  json root_;
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    return Error::limit(
        fmt::format("the JSON has {} bytes; at most {} are read", text.size(), limits.max_bytes));
  Builder builder(limits);
  try {
    json::sax_parse(text.begin(), text.end(), &builder);
  } catch (const std::exception& e) {
    return Error::bad_input(fmt::format("this is no valid JSON: {}", e.what()));
  }
  return std::move(builder).finish();
}

Result<json> parse_json_object(std::string_view text, const JsonLimits& limits) {
  LATHE_TRY(json value, parse_json(text, limits));
  if (!value.is_object()) return Error::bad_input("the JSON is no object");
  return value;
}

const json* JsonFields::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

Error JsonFields::wrong_type(const char* key, const char* wanted) const {
  return Error::bad_input(fmt::format("{} is {}, not {}", name(key), show(*find(key)), wanted));
}

Error JsonFields::missing(const char* key) const {
  return Error::bad_input(fmt::format("{} is missing", name(key)));
}

Result<std::optional<std::int64_t>> JsonFields::find_int(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > kLargest))
    return wrong_type(key, "an integer");
  return std::optional(value->get<std::int64_t>());
}

Result<std::optional<double>> JsonFields::find_number(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    return wrong_type(key, "a number");
  return std::optional(value->get<double>());
}

Result<std::optional<bool>> JsonFields::find_bool(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong_type(key, "true or false");
  return std::optional(value->get<bool>());
}

Result<std::optional<std::string>> JsonFields::find_string(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong_type(key, "a string");
  return std::optional(value->get<std::string>());
}

Result<std::optional<std::vector<std::string>>> JsonFields::find_strings(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  if (!value->is_array()) return wrong_type(key, "a list of strings");
  std::vector<std::string> strings;
  for (const json& item : *value) {
    if (!item.is_string()) return wrong_type(key, "a list of strings");
    strings.push_back(item.get<std::string>());
  }
  return std::optional(std::move(strings));
}

Result<std::int64_t> JsonFields::get_int(const char* key) const {
  LATHE_TRY(const auto value, find_int(key));
  if (!value) return missing(key);
  return *value;
}

Result<double> JsonFields::get_number(const char* key) const {
  LATHE_TRY(const auto value, find_number(key));
  if (!value) return missing(key);
  return *value;
}

Result<std::string> JsonFields::get_string(const char* key) const {
  LATHE_TRY(auto value, find_string(key));
  if (!value) return missing(key);
  return std::move(*value);
}

std::string JsonFields::show(const json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return value.empty() ? "{}" : "an object";
  if (value.is_array()) return value.empty() ? "[]" : "a list";
  return value.dump();
}

}  // namespace lathe::formats
