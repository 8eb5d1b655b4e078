#include "text/jinja/arguments.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::text::jinja {

const Value* Arguments::find_named(std::string_view name) const {
  for (const auto& [key, value] : named)
    if (key == name) return &value;
  return nullptr;
}

Result<Bound> Bound::bind(std::string_view function, const Arguments& arguments,
                          std::initializer_list<std::string_view> parameters,
                          std::size_t required) {
  LATHE_ASSERT(parameters.size() <= kMaxParameters);
  Bound bound;
  bound.function_ = function;
  if (arguments.positional.size() > parameters.size())
    return Error::bad_input(fmt::format("{} takes at most {} arguments, {} were given", function,
                                        parameters.size(), arguments.positional.size()));
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    bound.values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end())
      return Error::bad_input(fmt::format("{} has no argument '{}'", function, name));
    const auto slot = static_cast<std::size_t>(found - parameters.begin());
    if (bound.values_[slot])
      return Error::bad_input(fmt::format("{} was given '{}' twice", function, name));
    bound.values_[slot] = &value;
  }
  for (std::size_t i = 0; i < required; ++i)
    if (!bound.values_[i])
      return Error::bad_input(
          fmt::format("{} needs the argument '{}'", function, parameters.begin()[i]));
  return bound;
}

Result<std::int64_t> Bound::integer(std::size_t parameter, std::int64_t fallback) const {
  const Value* value = values_[parameter];
  if (!value) return fallback;
  if (const auto number = value->as_integer()) return *number;
  return misuse(*value, fmt::format("an integer, as {} needs it", function_));
}

Result<std::string_view> Bound::string(std::size_t parameter, std::string_view fallback) const {
  const Value* value = values_[parameter];
  if (!value) return fallback;
  if (const std::string* text = value->string()) return std::string_view(*text);
  return misuse(*value, fmt::format("a string, as {} needs it", function_));
}

bool Bound::truth_of(std::size_t parameter, bool fallback) const {
  return values_[parameter] ? truth(*values_[parameter]) : fallback;
}

}  // namespace lathe::text::jinja
