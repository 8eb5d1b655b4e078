#include "text/jinja/filters.h"

#include <fmt/format.h>

#include "text/jinja/interpreter.h"

namespace lathe::text::jinja {
namespace {

FilterFunction find_filter(std::string_view name) {
  for (const auto& table : {text_filters(), number_filters(), sequence_filters(), order_filters(),
                            group_filters(), choice_filters(), markup_filters()})
    for (const NamedFilter& filter : table)
      if (filter.name == name) return filter.function;
  return nullptr;
}

}  // namespace

bool filter_exists(std::string_view name) { return find_filter(name) != nullptr; }

Result<Value> apply_filter(Interpreter& interpreter, std::string_view name, const Value& input,
                           const Arguments& arguments) {
  const FilterFunction filter = find_filter(name);
  if (!filter) return Error::bad_input(fmt::format("no filter named '{}'", name));
  LATHE_TRY(Value result, filter(interpreter, input, arguments));
  Budget& budget = interpreter.budget();
  LATHE_CHECK(budget.spend(1));
  if (const std::string* text = result.string()) LATHE_CHECK(budget.spend_bytes(text->size()));
  if (const Sequence* items = result.sequence())
    LATHE_CHECK(budget.spend_elements(items->items.size()));
  return result;
}

}  // namespace lathe::text::jinja
