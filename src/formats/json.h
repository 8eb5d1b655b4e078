// JSON from foreign files: strictly parsed within bounds, read by fields with errors that name
// them. nlohmann-json does the lexing; duplicate keys, depth and the number of values are checked
// here. For .cc files: the library's header is slow to compile.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/config_bounds.h"

namespace lathe::formats {

struct JsonLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 20;
  std::size_t max_depth = 32;
  std::size_t max_values = 4'000'000;
};

// For a model's or an adapter's configuration.
constexpr JsonLimits kConfigLimits{
    .max_bytes = kMaxConfigBytes, .max_depth = 16, .max_values = 200'000};

// The whole text as one JSON value. Errors: bad_input (with the byte where it went wrong), limit.
Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

// The same, and the value must be an object.
Result<nlohmann::json> parse_json_object(std::string_view text, const JsonLimits& limits = {});

// Typed reading of one object's members. A member that is null counts as absent. The object must
// outlive the reader.
class JsonFields {
 public:
  // REQUIRES: object.is_object(). place goes before field names in errors: "rope_scaling.".
  explicit JsonFields(const nlohmann::json& object, std::string place = {})
      : object_(object), place_(std::move(place)) {}

  // nullptr when absent or null.
  const nlohmann::json* find(const char* key) const;
  // Whether the key stands there, be it with null.
  bool mentions(const char* key) const { return object_.contains(key); }
  // "rope_scaling.factor": the field as errors name it.
  std::string name(std::string_view key) const { return place_ + std::string(key); }

  // Nothing when absent; bad_input naming the field when it has another type.
  Result<std::optional<std::int64_t>> find_int(const char* key) const;
  Result<std::optional<double>> find_number(const char* key) const;
  Result<std::optional<bool>> find_bool(const char* key) const;
  Result<std::optional<std::string>> find_string(const char* key) const;
  Result<std::optional<std::vector<std::string>>> find_strings(const char* key) const;

  // The same for fields that must be there.
  Result<std::int64_t> get_int(const char* key) const;
  Result<double> get_number(const char* key) const;
  Result<std::string> get_string(const char* key) const;

  // The value of a field in an error message: at most a short line.
  static std::string show(const nlohmann::json& value);

 private:
  Error wrong_type(const char* key, const char* wanted) const;
  Error missing(const char* key) const;

  const nlohmann::json& object_;
  std::string place_;
};

}  // namespace lathe::formats
