// Python's == and < on template values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/jinja/value.h"

namespace lathe::text::jinja {
namespace {

template <class T>
int order(const T& left, const T& right) {
  if (left == right) return 0;
  return left < right ? -1 : 1;
}

// An integer against a double, exact also past 2^53.
int order_mixed(std::int64_t left, double right) {
  if (std::isnan(right)) return 1;
  if (right >= 0x1p63) return -1;
  if (right < -0x1p63) return 1;
  const auto whole = static_cast<std::int64_t>(right);
  if (left != whole) return order(left, whole);
  return order(0.0, right - static_cast<double>(whole));
}

int order_numbers(const Value& left, const Value& right) {
  const auto a = left.as_integer();
  const auto b = right.as_integer();
  if (a && b) return order(*a, *b);
  if (a) return order_mixed(*a, *right.floating());
  if (b) return std::isnan(*left.floating()) ? 1 : -order_mixed(*b, *left.floating());
  return order(*left.floating(), *right.floating());
}

bool compares_as_list(const Sequence& sequence) {
  return sequence.type == SequenceType::list || sequence.type == SequenceType::tuple ||
         sequence.type == SequenceType::range;
}

Result<bool> equal_sequences(Budget& budget, const Sequence& left, const Sequence& right) {
  if (&left == &right) return true;
  if (left.type != right.type || !compares_as_list(left)) return false;
  if (left.items.size() != right.items.size()) return false;
  for (std::size_t i = 0; i < left.items.size(); ++i) {
    LATHE_TRY(const bool same, equal(budget, left.items[i], right.items[i]));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_mappings(Budget& budget, const Mapping& left, const Mapping& right) {
  if (&left == &right) return true;
  if (left.size() != right.size()) return false;
  for (const auto& [key, value] : left.entries()) {
    const Value* other = right.find(key);
    if (!other) return false;
    LATHE_TRY(const bool same, equal(budget, value, *other));
    if (!same) return false;
  }
  return true;
}

Result<int> compare_sequences(Budget& budget, const Sequence& left, const Sequence& right) {
  const std::size_t common = std::min(left.items.size(), right.items.size());
  for (std::size_t i = 0; i < common; ++i) {
    LATHE_TRY(const bool same, equal(budget, left.items[i], right.items[i]));
    if (!same) return compare(budget, left.items[i], right.items[i]);
  }
  return order(left.items.size(), right.items.size());
}

}  // namespace

Result<bool> equal(Budget& budget, const Value& left, const Value& right) {
  LATHE_CHECK(budget.spend(1));
  if (left.is_number() && right.is_number()) return order_numbers(left, right) == 0;
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::undefined:
      return true;
    case Kind::string:
      LATHE_CHECK(budget.spend_bytes(left.string()->size()));
      return *left.string() == *right.string();
    case Kind::sequence:
      return equal_sequences(budget, *left.sequence(), *right.sequence());
    case Kind::mapping:
      return equal_mappings(budget, *left.mapping(), *right.mapping());
    default:
      return left.same_object(right);
  }
}

Result<int> compare(Budget& budget, const Value& left, const Value& right) {
  LATHE_CHECK(budget.spend(1));
  if (left.is_number() && right.is_number()) return order_numbers(left, right);
  if (left.is(Kind::undefined)) return misuse(left, "ordered");
  if (right.is(Kind::undefined)) return misuse(right, "ordered");
  if (left.is(Kind::string) && right.is(Kind::string))
    return order(left.string()->compare(*right.string()), 0);
  const Sequence* a = left.sequence();
  const Sequence* b = right.sequence();
  const bool ordered = a && b && a->type == b->type &&
                       (a->type == SequenceType::list || a->type == SequenceType::tuple);
  if (ordered) return compare_sequences(budget, *a, *b);
  return Error::bad_input(
      fmt::format("'{}' and '{}' have no order between them", left.type_name(), right.type_name()));
}

}  // namespace lathe::text::jinja
