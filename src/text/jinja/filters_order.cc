// Filters that order values: sort, dictsort, unique, min, max.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_set>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/filters_key.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {

Value fold_case(const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is(Kind::string)) return value;
  return Value(to_lower(*value.string()));
}

Result<std::vector<std::size_t>> sorted_order(Budget& budget, const std::vector<Value>& keys,
                                              bool reverse) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::optional<Error> failure;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (failure) return false;
    auto sign = reverse ? compare(budget, keys[b], keys[a]) : compare(budget, keys[a], keys[b]);
    if (!sign.ok()) failure = std::move(sign).error();
    return !failure && sign.value() < 0;
  });
  if (failure) return std::move(*failure);
  return order;
}

namespace {

// What an item is ordered by: itself, or the value at a path.
Result<Value> sort_key(Interpreter& interpreter, const Value& item, const Value* attribute,
                       bool case_sensitive) {
  if (!attribute) return fold_case(item, case_sensitive);
  LATHE_TRY(const Value value, get_path(interpreter, item, *attribute));
  return fold_case(value, case_sensitive);
}

// `sort` takes several paths, with commas between them. Its key is a list even of one value, as in
// Jinja: what equals itself (None, undefined) needs no order then.
Result<Value> sort_keys(Interpreter& interpreter, const Value& item, const Value* attribute,
                        bool case_sensitive) {
  std::vector<Value> keys;
  const std::string* paths = attribute ? attribute->string() : nullptr;
  if (!paths) {
    LATHE_TRY(Value key, sort_key(interpreter, item, attribute, case_sensitive));
    keys.push_back(std::move(key));
    return Value::list(std::move(keys));
  }
  std::string_view rest = *paths;
  while (true) {
    const std::size_t comma = rest.find(',');
    const Value path(rest.substr(0, comma));
    LATHE_TRY(Value key, sort_key(interpreter, item, &path, case_sensitive));
    keys.push_back(std::move(key));
    if (comma == std::string_view::npos) return Value::list(std::move(keys));
    rest.remove_prefix(comma + 1);
  }
}

std::vector<Value> take_in_order(const std::vector<Value>& items,
                                 const std::vector<std::size_t>& order) {
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const std::size_t at : order) sorted.push_back(items[at]);
  return sorted;
}

const Value* given_attribute(const Bound& bound, std::size_t parameter) {
  return bound.has(parameter) ? bound[parameter] : nullptr;
}

Result<Value> filter_sort(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound,
            Bound::bind("sort", given, {"reverse", "case_sensitive", "attribute"}));
  Budget& budget = interpreter.budget();
  LATHE_TRY(const SequencePointer items, items_of(budget, input));
  std::vector<Value> keys;
  for (const Value& item : items->items) {
    LATHE_TRY(Value key,
              sort_keys(interpreter, item, given_attribute(bound, 2), bound.truth_of(1, false)));
    keys.push_back(std::move(key));
  }
  LATHE_TRY(const auto order, sorted_order(budget, keys, bound.truth_of(0, false)));
  return Value::list(take_in_order(items->items, order));
}

Result<Value> filter_dictsort(Interpreter& interpreter, const Value& input,
                              const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("dictsort", given, {"case_sensitive", "by", "reverse"}));
  LATHE_TRY(const std::string_view by, bound.string(1, "key"));
  if (by != "key" && by != "value")
    return Error::bad_input("dictsort: 'by' must be 'key' or 'value'");
  const Mapping* mapping = input.mapping();
  if (!mapping) return misuse(input, "a mapping, as dictsort needs it");
  std::vector<Value> keys;
  std::vector<Value> pairs;
  for (const auto& [key, value] : mapping->entries()) {
    keys.push_back(fold_case(by == "key" ? key : value, bound.truth_of(0, false)));
    pairs.push_back(Value::tuple({key, value}));
  }
  LATHE_TRY(const auto order, sorted_order(interpreter.budget(), keys, bound.truth_of(2, false)));
  return Value::list(take_in_order(pairs, order));
}

// Remembers keys: strings by hash, others one by one.
class Seen {
 public:
  explicit Seen(Budget& budget) : budget_(budget) {}

  // Whether the key is new; it is not any more.
  Result<bool> add(const Value& key) {
    if (const std::string* text = key.string()) return strings_.insert(*text).second;
    for (const Value& other : others_) {
      LATHE_TRY(const bool same, equal(budget_, other, key));
      if (same) return false;
    }
    others_.push_back(key);
    return true;
  }

 private:
  Budget& budget_;
  std::unordered_set<std::string> strings_;
  std::vector<Value> others_;
};

Result<Value> filter_unique(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("unique", given, {"case_sensitive", "attribute"}));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  Seen seen(interpreter.budget());
  std::vector<Value> kept;
  for (const Value& item : items->items) {
    LATHE_TRY(const Value key,
              sort_key(interpreter, item, given_attribute(bound, 1), bound.truth_of(0, false)));
    LATHE_CHECK(Mapping().set(key, Value()));  // a key must be hashable
    LATHE_TRY(const bool is_new, seen.add(key));
    if (is_new) kept.push_back(item);
  }
  return Value(make_sequence(SequenceType::generator, std::move(kept)));
}

// The first of the items whose key is the least (sign -1) or the greatest (sign 1).
template <int Sign>
Result<Value> filter_extreme(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("min or max", given, {"case_sensitive", "attribute"}));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  if (items->items.empty()) return Value::undefined("no aggregated item, the sequence was empty");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : items->items) {
    LATHE_TRY(Value key,
              sort_key(interpreter, item, given_attribute(bound, 1), bound.truth_of(0, false)));
    if (best) {
      LATHE_TRY(const int sign, Sign < 0 ? compare(interpreter.budget(), key, best_key)
                                         : compare(interpreter.budget(), best_key, key));
      if (sign >= 0) continue;
    }
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}

constexpr std::array kOrderFilters = {
    NamedFilter{"sort", filter_sort},      NamedFilter{"dictsort", filter_dictsort},
    NamedFilter{"unique", filter_unique},  NamedFilter{"min", filter_extreme<-1>},
    NamedFilter{"max", filter_extreme<1>},
};

}  // namespace

std::span<const NamedFilter> order_filters() { return kOrderFilters; }

}  // namespace lathe::text::jinja
