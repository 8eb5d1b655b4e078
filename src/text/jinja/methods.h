// The methods of strings, lists, mappings and loops: `value.name(arguments)`. Those that would
// change a value are refused, as in the sandbox that chat templates are written for.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

// The bound method as a callable value, if the value's type has one of this name.
std::optional<Value> find_method(const Value& self, std::string_view name);

// list.append, dict.update and the like.
bool changes_its_object(const Value& self, std::string_view name);

// The methods of strings, behind find_method. REQUIRES of a call: self is a string.
using MethodFunction = Result<Value> (*)(Interpreter&, const Value& self, const Arguments&);
struct NamedMethod {
  std::string_view name;
  MethodFunction function;
};
std::span<const NamedMethod> string_methods();       // methods_string.cc
std::span<const NamedMethod> string_find_methods();  // methods_string_find.cc

}  // namespace lathe::text::jinja
