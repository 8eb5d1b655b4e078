// The state of one running `for`: what the variable `loop` shows. Owned by the interpreter for the
// whole render (a template may keep a reference), one per executed `for` statement.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace lathe::text::jinja {

struct Loop {
  // The items of the iterable; those that pass the loop's `if` are found as the loop goes on, as
  // Jinja does: the condition may depend on what the body did.
  SequencePointer source;
  std::function<Result<bool>(const Value&)> accepts;  // empty: every item
  std::vector<Value> accepted;                        // only used with `accepts`
  std::size_t scanned = 0;

  std::size_t index0 = 0;
  int depth0 = 0;                                      // nesting of a recursive loop
  std::optional<Value> changed_values;                 // what loop.changed() saw last
  std::function<Result<Value>(const Value&)> recurse;  // loop(items), in a recursive loop

  // Whether there is an item number n; evaluates the loop's condition as far as needed.
  Result<bool> has(std::size_t n);
  // REQUIRES: has(n).
  const Value& item(std::size_t n) const;
  // All of them. Errors: those of the condition.
  Result<std::size_t> length();

  // `loop.name`; no value if there is no such attribute.
  Result<std::optional<Value>> attribute(std::string_view name);
  // Lets go of everything, at the end of the statement.
  void finish();
};

}  // namespace lathe::text::jinja
