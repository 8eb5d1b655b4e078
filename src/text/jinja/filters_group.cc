// Filters that put items into groups: batch, slice, groupby.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/filters_key.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"

namespace lathe::text::jinja {
namespace {

Value generator(std::vector<Value> items) {
  return Value(make_sequence(SequenceType::generator, std::move(items)));
}

// Rows of `linecount` items, the last one filled up.
Result<Value> filter_batch(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("batch", given, {"linecount", "fill_with"}, 1));
  LATHE_TRY(const std::int64_t count, bound.integer(0, 0));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  std::vector<Value> rows;
  std::vector<Value> row;
  const auto close_row = [&] { rows.push_back(Value::list(std::exchange(row, {}))); };
  for (const Value& item : items->items) {
    if (static_cast<std::int64_t>(row.size()) == count) close_row();
    row.push_back(item);
  }
  if (row.empty()) return generator(std::move(rows));
  if (bound.has(1) && static_cast<std::int64_t>(row.size()) < count) {
    LATHE_CHECK(interpreter.budget().spend_elements(static_cast<std::uint64_t>(count)));
    row.resize(static_cast<std::size_t>(count), *bound[1]);
  }
  close_row();
  return generator(std::move(rows));
}

// `slices` columns of nearly the same length; the shorter ones get the filler.
Result<Value> filter_slice(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("slice", given, {"slices", "fill_with"}, 1));
  LATHE_TRY(const std::int64_t count, bound.integer(0, 0));
  LATHE_TRY(const SequencePointer items, items_of(interpreter.budget(), input));
  if (count == 0) return Error::bad_input("slice: there cannot be 0 slices");
  std::vector<Value> columns;
  if (count < 0) return generator(std::move(columns));
  LATHE_CHECK(interpreter.budget().spend_elements(static_cast<std::uint64_t>(count)));
  const auto slices = static_cast<std::size_t>(count);
  const std::size_t each = items->items.size() / slices;
  const std::size_t longer = items->items.size() % slices;
  auto from = items->items.begin();
  for (std::size_t i = 0; i < slices; ++i) {
    const auto to = from + static_cast<std::ptrdiff_t>(each + (i < longer ? 1 : 0));
    std::vector<Value> column(from, to);
    if (bound.has(1) && i >= longer) column.push_back(*bound[1]);
    columns.push_back(Value::list(std::move(column)));
    from = to;
  }
  return generator(std::move(columns));
}

struct GroupKey {
  Value shown;    // what the group is named by
  Value ordered;  // what it is sorted and told apart by
};

Result<GroupKey> group_key(Interpreter& interpreter, const Value& item, const Bound& bound) {
  GroupKey key;
  LATHE_TRY(key.shown, get_path(interpreter, item, *bound[0], bound.has(1) ? bound[1] : nullptr));
  key.ordered = fold_case(key.shown, bound.truth_of(2, false));
  return key;
}

Value group(const Value& name, std::vector<Value> items) {
  auto made = std::make_shared<Sequence>(
      *make_sequence(SequenceType::tuple, {name, Value::list(std::move(items))}));
  made->is_group = true;
  return Value(SequencePointer(std::move(made)));
}

// Pairs (name, items), ordered by name; also as .grouper and .list.
Result<Value> filter_groupby(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound,
            Bound::bind("groupby", given, {"attribute", "default", "case_sensitive"}, 1));
  Budget& budget = interpreter.budget();
  LATHE_TRY(const SequencePointer items, items_of(budget, input));
  std::vector<Value> shown;
  std::vector<Value> ordered;
  for (const Value& item : items->items) {
    LATHE_TRY(GroupKey key, group_key(interpreter, item, bound));
    shown.push_back(std::move(key.shown));
    ordered.push_back(std::move(key.ordered));
  }
  LATHE_TRY(const auto order, sorted_order(budget, ordered, false));
  std::vector<Value> groups;
  std::vector<Value> members;
  for (std::size_t i = 0; i < order.size(); ++i) {
    members.push_back(items->items[order[i]]);
    if (i + 1 < order.size()) {
      LATHE_TRY(const bool same, equal(budget, ordered[order[i]], ordered[order[i + 1]]));
      if (same) continue;
    }
    const std::size_t first = i + 1 - members.size();
    groups.push_back(group(shown[order[first]], std::exchange(members, {})));
  }
  return Value::list(std::move(groups));
}

constexpr std::array kGroupFilters = {
    NamedFilter{"batch", filter_batch},
    NamedFilter{"slice", filter_slice},
    NamedFilter{"groupby", filter_groupby},
};

}  // namespace

std::span<const NamedFilter> group_filters() { return kGroupFilters; }

}  // namespace lathe::text::jinja
