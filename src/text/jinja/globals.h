// The functions every template can call: range, namespace, dict, raise_exception, strftime_now,
// joiner, cycler.
#pragma once

#include <optional>
#include <string_view>

#include "text/jinja/value.h"

namespace lathe::text::jinja {

// No value if there is no such function. Thread-safe.
std::optional<Value> find_global(std::string_view name);
// dict.fromkeys.
Value dict_fromkeys();

// A namespace refuses names that begin with '_', as Hugging Face's does.
Error underscored(std::string_view name);

}  // namespace lathe::text::jinja
