#include "formats/gguf_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "formats/foreign_text.h"

namespace lathe::formats {

double shortest(double value) {
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value || !std::isfinite(single)) return value;
  return std::strtod(fmt::format("{}", single).c_str(), nullptr);
}

Result<double> GgufFields::get_number(std::string_view key) const {
  LATHE_TRY(const double value, metadata_.get_float(name(key)));
  return shortest(value);
}

Result<std::optional<double>> GgufFields::find_number(std::string_view key) const {
  LATHE_TRY(const auto value, metadata_.find_float(name(key)));
  return value ? std::optional(shortest(*value)) : std::nullopt;
}

Result<std::int64_t> GgufFields::get_uniform(std::string_view key) const {
  const std::string whole = name(key);
  const GgufValue* value = metadata_.find(whole);
  if (value == nullptr || !std::holds_alternative<GgufArray>(*value))
    return metadata_.get_int(whole);
  LATHE_TRY(const auto counts, metadata_.get_ints(whole));
  if (counts.empty()) return Error::bad_input(fmt::format("{} is an empty array", whole));
  for (const std::int64_t count : counts) {
    if (count != counts.front())
      return Error::unsupported(fmt::format("{} differs from layer to layer", whole));
  }
  return counts.front();
}

Status GgufFields::check_known(
    std::initializer_list<std::span<const std::string_view>> known) const {
  for (const auto& [key, value] : metadata_.entries()) {
    if (!key.starts_with(prefix_)) continue;
    const std::string_view own = std::string_view(key).substr(prefix_.size());
    const bool found = std::any_of(known.begin(), known.end(), [own](const auto& keys) {
      return std::find(keys.begin(), keys.end(), own) != keys.end();
    });
    if (!found)
      return Error::unsupported(fmt::format("metadata {} is not supported", in_quotes(key)));
  }
  return {};
}

Status GgufFields::allow_only(std::string_view key, double harmless) const {
  LATHE_TRY(const auto value, find_number(key));
  if (!value || *value == harmless) return {};
  return Error::unsupported(fmt::format("{} is {}, which is not supported", name(key), *value));
}

}  // namespace lathe::formats
