// The arguments of a call, and how a built-in function takes them apart.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  const Value* find_named(std::string_view name) const;
};

// Arguments by the names of the parameters. Points into the Arguments, which must outlive it.
class Bound {
 public:
  // Errors: too many, an unknown name, one given twice, or one of the first `required` missing.
  static Result<Bound> bind(std::string_view function, const Arguments& arguments,
                            std::initializer_list<std::string_view> parameters,
                            std::size_t required = 0);

  // Null when it was not given.
  const Value* operator[](std::size_t parameter) const { return values_[parameter]; }
  // Whether it was given and is not None.
  bool has(std::size_t parameter) const {
    return values_[parameter] && !values_[parameter]->is(Kind::none);
  }

  // The argument, or the fallback when it was not given. Errors: another type.
  Result<std::int64_t> integer(std::size_t parameter, std::int64_t fallback) const;
  Result<std::string_view> string(std::size_t parameter, std::string_view fallback) const;
  bool truth_of(std::size_t parameter, bool fallback) const;

 private:
  static constexpr std::size_t kMaxParameters = 6;
  std::array<const Value*, kMaxParameters> values_{};
  std::string_view function_;
};

}  // namespace lathe::text::jinja
