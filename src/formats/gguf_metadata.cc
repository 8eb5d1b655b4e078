#include "formats/gguf_metadata.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <type_traits>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr std::array<const char*, 13> kTypeNames{"uint8",  "int8",    "uint16", "int16",  "uint32",
                                                 "int32",  "float32", "bool",   "string", "array",
                                                 "uint64", "int64",   "float64"};

template <class T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// Nothing when the value is no integer or does not fit.
template <class T>
std::optional<std::int64_t> as_int(const T& value) {
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return std::nullopt;
    return static_cast<std::int64_t>(value);
  } else if constexpr (kIsInteger<T>) {
    return static_cast<std::int64_t>(value);
  } else {
    return std::nullopt;
  }
}

template <class T>
std::optional<double> as_float(const T& value) {
  if constexpr (std::is_floating_point_v<T> || kIsInteger<T>) {
    return static_cast<double>(value);
  } else {
    return std::nullopt;
  }
}

Error missing(std::string_view key) {
  return Error::bad_input(fmt::format("the metadata has no {}", in_quotes(key)));
}

Error wrong_type(std::string_view key, const GgufValue& value, const char* wanted) {
  return Error::bad_input(
      fmt::format("metadata {} is {}, not {}", in_quotes(key), type_name(value), wanted));
}

template <class T>
Result<T> required(std::string_view key, Result<std::optional<T>> found) {
  LATHE_TRY(const std::optional<T> value, std::move(found));
  if (!value) return missing(key);
  return *value;
}

// The elements of an array of numbers, converted one by one; nothing when it is another value.
template <class To, class Convert>
std::optional<std::vector<To>> elements(const GgufValue& value, Convert convert) {
  const auto* array = std::get_if<GgufArray>(&value);
  if (array == nullptr) return std::nullopt;
  return std::visit(
      [&](const auto& items) -> std::optional<std::vector<To>> {
        using Items = std::decay_t<decltype(items)>;
        std::vector<To> out;
        if constexpr (!std::is_same_v<Items, std::monostate>) {
          out.reserve(items.size());
          for (const auto& item : items) {
            const auto converted = convert(item);
            if (!converted) return std::nullopt;
            out.push_back(static_cast<To>(*converted));
          }
        }
        return out;
      },
      *array);
}

}  // namespace

std::string type_name(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value))
    return fmt::format("an array of {}", kTypeNames[array->index()]);
  return kTypeNames[value.index()];
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = index_.find(std::string(key));
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

void GgufMetadata::set(std::string key, GgufValue value) {
  const auto [at, added] = index_.try_emplace(key, entries_.size());
  if (added) {
    entries_.emplace_back(std::move(key), std::move(value));
  } else {
    entries_[at->second].second = std::move(value);
  }
}

Result<std::optional<std::int64_t>> GgufMetadata::find_int(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  const auto number = std::visit([](const auto& v) { return as_int(v); }, *value);
  if (!number) return wrong_type(key, *value, "an integer");
  return number;
}

Result<std::optional<double>> GgufMetadata::find_float(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::optional<double>();
  const auto number = std::visit([](const auto& v) { return as_float(v); }, *value);
  if (!number) return wrong_type(key, *value, "a number");
  return number;
}

Result<std::optional<bool>> GgufMetadata::find_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::optional<bool>();
  const bool* flag = std::get_if<bool>(value);
  if (flag == nullptr) return wrong_type(key, *value, "a bool");
  return std::optional(*flag);
}

Result<std::optional<std::string_view>> GgufMetadata::find_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::optional<std::string_view>();
  const auto* text = std::get_if<std::string>(value);
  if (text == nullptr) return wrong_type(key, *value, "a string");
  return std::optional<std::string_view>(*text);
}

Result<std::int64_t> GgufMetadata::get_int(std::string_view key) const {
  return required(key, find_int(key));
}
Result<double> GgufMetadata::get_float(std::string_view key) const {
  return required(key, find_float(key));
}
Result<bool> GgufMetadata::get_bool(std::string_view key) const {
  return required(key, find_bool(key));
}
Result<std::string_view> GgufMetadata::get_string(std::string_view key) const {
  return required(key, find_string(key));
}

Result<GgufStrings> GgufMetadata::get_strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return missing(key);
  const auto* array = std::get_if<GgufArray>(value);
  const auto* strings = array == nullptr ? nullptr : std::get_if<GgufStrings>(array);
  if (strings == nullptr) return wrong_type(key, *value, "an array of strings");
  return *strings;
}

Result<std::vector<float>> GgufMetadata::get_floats(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return missing(key);
  auto out = elements<float>(*value, [](const auto& item) { return as_float(item); });
  if (!out) return wrong_type(key, *value, "an array of numbers");
  return std::move(*out);
}

Result<std::vector<std::int64_t>> GgufMetadata::get_ints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return missing(key);
  auto out = elements<std::int64_t>(*value, [](const auto& item) { return as_int(item); });
  if (!out) return wrong_type(key, *value, "an array of integers");
  return std::move(*out);
}

}  // namespace lathe::formats
