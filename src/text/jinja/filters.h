// The filters: `value | name(arguments)`. Names, arguments and results as in Jinja, and `tojson` as
// Hugging Face replaces it. Those that Jinja makes lazy give a generator: it can be gone over once.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

class Interpreter;

// Errors: bad_input (no such filter, wrong arguments, a value the filter cannot take), limit.
Result<Value> apply_filter(Interpreter& interpreter, std::string_view name, const Value& input,
                           const Arguments& arguments);
bool filter_exists(std::string_view name);

// The tables behind apply_filter, one a file.
using FilterFunction = Result<Value> (*)(Interpreter&, const Value&, const Arguments&);
struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};
std::span<const NamedFilter> text_filters();      // filters_text.cc
std::span<const NamedFilter> number_filters();    // filters_number.cc
std::span<const NamedFilter> sequence_filters();  // filters_sequence.cc
std::span<const NamedFilter> order_filters();     // filters_order.cc
std::span<const NamedFilter> group_filters();     // filters_group.cc
std::span<const NamedFilter> choice_filters();    // filters_choice.cc
std::span<const NamedFilter> markup_filters();    // filters_markup.cc

}  // namespace lathe::text::jinja
