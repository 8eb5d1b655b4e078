// Filters that apply a filter or a test to every item: map, select, reject, selectattr, rejectattr.
#include <fmt/format.h>

#include <array>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/predicates.h"

namespace lathe::text::jinja {
namespace {

// The arguments after the first `count`, for the filter or test that they are meant for.
Arguments without_first(const Arguments& given, std::size_t count) {
  Arguments rest;
  rest.positional.assign(given.positional.begin() + static_cast<std::ptrdiff_t>(count),
                         given.positional.end());
  rest.named = given.named;
  return rest;
}

Result<SequencePointer> items_if_any(Interpreter& interpreter, const Value& input) {
  if (!truth(input)) return make_sequence(SequenceType::list, {});
  return items_of(interpreter.budget(), input);
}

Result<Value> map_attribute(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("map", given, {"attribute", "default"}, 1));
  LATHE_TRY(const SequencePointer items, items_if_any(interpreter, input));
  std::vector<Value> mapped;
  for (const Value& item : items->items) {
    LATHE_TRY(Value value,
              get_path(interpreter, item, *bound[0], bound.has(1) ? bound[1] : nullptr));
    mapped.push_back(std::move(value));
  }
  return Value(make_sequence(SequenceType::generator, std::move(mapped)));
}

Result<Value> filter_map(Interpreter& interpreter, const Value& input, const Arguments& given) {
  if (given.positional.empty() && given.find_named("attribute"))
    return map_attribute(interpreter, input, given);
  const std::string* name = given.positional.empty() ? nullptr : given.positional[0].string();
  if (!name) return Error::bad_input("map needs the name of a filter or attribute=");
  const Arguments rest = without_first(given, 1);
  LATHE_TRY(const SequencePointer items, items_if_any(interpreter, input));
  // map('map', 'map', …): every level costs depth.
  LATHE_CHECK(interpreter.budget().enter());
  std::vector<Value> mapped;
  std::optional<Error> failure;
  for (const Value& item : items->items) {
    auto value = apply_filter(interpreter, *name, item, rest);
    if (!value.ok()) {
      failure = std::move(value).error();
      break;
    }
    mapped.push_back(std::move(value).value());
  }
  interpreter.budget().leave();
  if (failure) return std::move(*failure);
  return Value(make_sequence(SequenceType::generator, std::move(mapped)));
}

// What decides about an item: its truth or a test, of itself or of an attribute.
struct Choice {
  const Value* attribute = nullptr;
  const std::string* test = nullptr;
  Arguments arguments;
};

Result<Choice> read_choice(const Arguments& given, bool by_attribute) {
  Choice choice;
  const std::size_t before = by_attribute ? 1 : 0;
  if (by_attribute) {
    if (given.positional.empty()) return Error::bad_input("the name of an attribute is missing");
    choice.attribute = &given.positional[0];
  }
  if (given.positional.size() <= before) return choice;
  choice.test = given.positional[before].string();
  if (!choice.test) return misuse(given.positional[before], "the name of a test");
  choice.arguments = without_first(given, before + 1);
  return choice;
}

Result<bool> chosen(Interpreter& interpreter, const Choice& choice, const Value& item) {
  LATHE_TRY(const Value value, choice.attribute ? get_path(interpreter, item, *choice.attribute)
                                                : Result<Value>(item));
  if (!choice.test) return truth(value);
  return apply_test(interpreter, *choice.test, value, choice.arguments);
}

template <bool Keep, bool ByAttribute>
Result<Value> filter_choose(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Choice choice, read_choice(given, ByAttribute));
  LATHE_TRY(const SequencePointer items, items_if_any(interpreter, input));
  std::vector<Value> kept;
  for (const Value& item : items->items) {
    LATHE_TRY(const bool is_chosen, chosen(interpreter, choice, item));
    LATHE_CHECK(interpreter.budget().spend(1));
    if (is_chosen == Keep) kept.push_back(item);
  }
  return Value(make_sequence(SequenceType::generator, std::move(kept)));
}

constexpr std::array kChoiceFilters = {
    NamedFilter{"map", filter_map},
    NamedFilter{"select", filter_choose<true, false>},
    NamedFilter{"reject", filter_choose<false, false>},
    NamedFilter{"selectattr", filter_choose<true, true>},
    NamedFilter{"rejectattr", filter_choose<false, true>},
};

}  // namespace

std::span<const NamedFilter> choice_filters() { return kChoiceFilters; }

}  // namespace lathe::text::jinja
