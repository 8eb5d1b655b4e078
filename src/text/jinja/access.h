// object.name, object[key] and object[start:stop:step], with Jinja's fall-backs: `.` looks for a
// method first and for a key then, `[]` the other way round, and what is not there is undefined.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

class Interpreter;

// Errors: the object is undefined.
Result<Value> get_attribute(Interpreter& interpreter, const Value& object, std::string_view name);
Result<Value> get_item(Interpreter& interpreter, const Value& object, const Value& key);

struct SliceBounds {
  Value start;  // None: from the end the step comes from
  Value stop;
  Value step;
};
// Errors: bounds that are not integers, a step of 0, an object without an order.
Result<Value> get_slice(Interpreter& interpreter, const Value& object, const SliceBounds& bounds);

// The value at a dotted path ("function.name", "0.role"), for filters that take `attribute`. What
// is undefined on the way is replaced by the fallback, unless that is null.
Result<Value> get_path(Interpreter& interpreter, const Value& object, const Value& path,
                       const Value* fallback = nullptr);

}  // namespace lathe::text::jinja
