// Filters that take sequences and mappings apart.
#include <fmt/format.h>

#include <array>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/markup.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

Result<Value> filter_default(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("default", given, {"default_value", "boolean"}));
  const bool missing = input.is(Kind::undefined) || (bound.truth_of(1, false) && !truth(input));
  if (!missing) return input;
  return bound[0] ? *bound[0] : Value(std::string());
}

Result<Value> filter_length(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("length", given, {}));
  LATHE_TRY(const std::int64_t length, length_of(input));
  return Value(length);
}

Result<Value> filter_list(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("list", given, {}));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  if (items->type == SequenceType::list) return Value(items);
  return Value::list(items->items);
}

Result<Value> filter_first(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("first", given, {}));
  const Value none = Value::undefined("no first item, the sequence was empty");
  if (const Sequence* generator = input.sequence();
      generator && generator->type == SequenceType::generator) {
    if (generator->taken == generator->items.size()) return none;
    return generator->items[generator->taken++];
  }
  if (const std::string* text = input.string(); text && !text->empty())
    return Value(std::string_view(*text).substr(0, decode_at(*text, 0).size));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  return items->items.empty() ? none : items->items.front();
}

Result<Value> filter_last(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("last", given, {}));
  const Sequence* sequence = input.sequence();
  if (sequence && sequence->type == SequenceType::generator)
    return misuse(input, "reversible, as last needs it");
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  return items->items.empty() ? Value::undefined("no last item, the sequence was empty")
                              : items->items.back();
}

Result<Value> filter_join(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("join", given, {"d", "attribute"}));
  Budget& budget = interpreter.budget();
  LATHE_TRY(const std::string separator, bound[0] ? to_text(budget, *bound[0]) : std::string());
  LATHE_TRY(const SequencePointer items, items_of(budget, input));
  LATHE_CHECK(budget.can_make_bytes(separator.size(), items->items.size()));
  std::string text;
  bool first = true;
  for (const Value& item : items->items) {
    LATHE_TRY(const Value part,
              bound.has(1) ? get_path(interpreter, item, *bound[1]) : Result<Value>(item));
    LATHE_TRY(const std::string shown, to_text(budget, part));
    LATHE_CHECK(budget.can_make_bytes(text.size() + shown.size()));
    if (!first) text += separator;
    first = false;
    text += shown;
  }
  return Value(std::move(text));
}

Result<Value> filter_items(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("items", given, {}));
  std::vector<Value> items;
  if (!input.is(Kind::undefined)) {
    const Mapping* mapping = input.mapping();
    if (!mapping) return misuse(input, "a mapping, as items needs it");
    for (const auto& [key, value] : mapping->entries()) items.push_back(Value::tuple({key, value}));
  }
  return Value(make_sequence(SequenceType::generator, std::move(items)));
}

Result<Value> filter_reverse(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("reverse", given, {}));
  if (const std::string* text = input.string()) {
    const auto parts = split_code_points(*text);
    std::string reversed;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) reversed += *part;
    return marked_like(input, std::move(reversed));
  }
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  std::vector<Value> reversed(items->items.rbegin(), items->items.rend());
  return Value(make_sequence(SequenceType::generator, std::move(reversed)));
}

Result<Value> filter_sum(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("sum", given, {"attribute", "start"}));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  Value total = bound[1] ? *bound[1] : Value(std::int64_t{0});
  for (const Value& item : items->items) {
    LATHE_TRY(const Value part,
              bound.has(0) ? get_path(interpreter, item, *bound[0]) : Result<Value>(item));
    if (part.is(Kind::string) || total.is(Kind::string))
      return Error::bad_input("sum adds numbers, not strings").fix_with("use join");
    LATHE_TRY(total, apply_binary(interpreter.budget(), ast::BinaryOperator::add, total, part));
    if (const Sequence* list = total.sequence())
      LATHE_CHECK(interpreter.budget().spend_elements(list->items.size()));
  }
  return total;
}

Result<Value> filter_attr(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("attr", given, {"name"}, 1));
  LATHE_TRY(const std::string name, to_text(interpreter.budget(), *bound[0]));
  const bool hidden = input.is(Kind::undefined) && name.starts_with("__");
  if (input.is(Kind::mapping) || hidden)
    return Value::undefined(fmt::format("no attribute '{}'", name));
  return get_attribute(interpreter, input, name);
}

constexpr std::array kSequenceFilters = {
    NamedFilter{"default", filter_default}, NamedFilter{"d", filter_default},
    NamedFilter{"length", filter_length},   NamedFilter{"count", filter_length},
    NamedFilter{"list", filter_list},       NamedFilter{"first", filter_first},
    NamedFilter{"last", filter_last},       NamedFilter{"join", filter_join},
    NamedFilter{"items", filter_items},     NamedFilter{"reverse", filter_reverse},
    NamedFilter{"sum", filter_sum},         NamedFilter{"attr", filter_attr},
};

}  // namespace

std::span<const NamedFilter> sequence_filters() { return kSequenceFilters; }

}  // namespace lathe::text::jinja
