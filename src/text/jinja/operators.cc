#include "text/jinja/operators.h"

#include <fmt/format.h>

#include <cmath>

#include "text/jinja/format.h"
#include "text/jinja/markup.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

using ast::BinaryOperator;

std::string_view symbol_of(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::add:
      return "+";
    case BinaryOperator::subtract:
      return "-";
    case BinaryOperator::multiply:
      return "*";
    case BinaryOperator::divide:
      return "/";
    case BinaryOperator::floor_divide:
      return "//";
    case BinaryOperator::modulo:
      return "%";
    case BinaryOperator::power:
      return "**";
  }
  return "?";
}

Error unfit(BinaryOperator op, const Value& left, const Value& right) {
  if (left.is(Kind::undefined)) return misuse(left, "");
  if (right.is(Kind::undefined)) return misuse(right, "");
  return Error::bad_input(fmt::format("unsupported operand types for {}: '{}' and '{}'",
                                      symbol_of(op), left.type_name(), right.type_name()));
}

Error too_large() { return Error::unsupported("an integer of more than 64 bits"); }
Error division_by_zero() { return Error::bad_input("division by zero"); }

Result<Value> integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return division_by_zero();
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return too_large();
    exponent >>= 1;
    if (exponent == 0) return Value(result);
    if (__builtin_mul_overflow(base, base, &base)) return too_large();
  }
}

// Quotient rounded towards minus infinity, as Python's; the remainder has the divisor's sign.
Result<Value> integer_division(bool want_quotient, std::int64_t left, std::int64_t right) {
  if (right == 0) return division_by_zero();
  if (right == -1) {
    if (!want_quotient) return Value(std::int64_t{0});
    if (left == INT64_MIN) return too_large();
    return Value(-left);
  }
  std::int64_t quotient = left / right;
  std::int64_t remainder = left % right;
  if (remainder != 0 && (remainder < 0) != (right < 0)) {
    remainder += right;
    --quotient;
  }
  return Value(want_quotient ? quotient : remainder);
}

Result<Value> integer_arithmetic(BinaryOperator op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOperator::add:
      if (__builtin_add_overflow(left, right, &result)) return too_large();
      return Value(result);
    case BinaryOperator::subtract:
      if (__builtin_sub_overflow(left, right, &result)) return too_large();
      return Value(result);
    case BinaryOperator::multiply:
      if (__builtin_mul_overflow(left, right, &result)) return too_large();
      return Value(result);
    case BinaryOperator::divide:
      if (right == 0) return division_by_zero();
      return Value(static_cast<double>(left) / static_cast<double>(right));
    case BinaryOperator::floor_divide:
    case BinaryOperator::modulo:
      return integer_division(op == BinaryOperator::floor_divide, left, right);
    case BinaryOperator::power:
      return integer_power(left, right);
  }
  return too_large();
}

Result<Value> float_division(BinaryOperator op, double left, double right) {
  if (right == 0) return division_by_zero();
  if (op == BinaryOperator::divide) return Value(left / right);
  double remainder = std::fmod(left, right);
  if (remainder != 0 && (remainder < 0) != (right < 0)) remainder += right;
  if (op == BinaryOperator::modulo)
    return Value(remainder == 0 ? std::copysign(0.0, right) : remainder);
  const double quotient = (left - remainder) / right;
  const double floor = std::floor(quotient);
  return Value(quotient - floor > 0.5 ? floor + 1 : floor);
}

Result<Value> float_arithmetic(BinaryOperator op, double left, double right) {
  switch (op) {
    case BinaryOperator::add:
      return Value(left + right);
    case BinaryOperator::subtract:
      return Value(left - right);
    case BinaryOperator::multiply:
      return Value(left * right);
    case BinaryOperator::power: {
      if (left == 0 && right < 0) return division_by_zero();
      const double result = std::pow(left, right);
      if (std::isnan(result) && !std::isnan(left) && !std::isnan(right))
        return Error::unsupported("a power that is a complex number");
      if (std::isinf(result) && !std::isinf(left) && !std::isinf(right))
        return Error::bad_input("the result of ** is too large");
      return Value(result);
    }
    default:
      return float_division(op, left, right);
  }
}

Result<std::string> repeat_string(Budget& budget, const std::string& text, std::int64_t times) {
  if (times <= 0) return std::string();
  LATHE_CHECK(budget.can_make_bytes(text.size(), static_cast<std::uint64_t>(times)));
  std::string result;
  result.reserve(text.size() * static_cast<std::size_t>(times));
  for (std::int64_t i = 0; i < times && !text.empty(); ++i) result += text;
  return result;
}

Result<Value> repeat_sequence(Budget& budget, const Sequence& sequence, std::int64_t times) {
  const std::size_t count = times <= 0 ? 0 : static_cast<std::size_t>(times);
  LATHE_CHECK(budget.can_make_bytes(sequence.items.size() * 32, count));
  std::vector<Value> items;
  for (std::size_t i = 0; i < count && !sequence.items.empty(); ++i)
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  return Value(make_sequence(sequence.type, std::move(items)));
}

bool is_list_or_tuple(const Value& value) {
  const Sequence* sequence = value.sequence();
  return sequence &&
         (sequence->type == SequenceType::list || sequence->type == SequenceType::tuple);
}

// "ab" * 3, [1] * 3, and the same with the operands exchanged.
Result<Value> repeat(Budget& budget, const Value& repeated, std::int64_t times) {
  if (const std::string* text = repeated.string()) {
    LATHE_TRY(std::string result, repeat_string(budget, *text, times));
    return marked_like(repeated, std::move(result));
  }
  return repeat_sequence(budget, *repeated.sequence(), times);
}

Result<Value> add_strings(Budget& budget, const Value& left, const Value& right) {
  if (!left.is_markup() && !right.is_markup()) return Value(*left.string() + *right.string());
  LATHE_TRY(const std::string first, to_markup(budget, left));
  LATHE_TRY(const std::string second, to_markup(budget, right));
  return Value::markup(first + second);
}

Result<Value> add_containers(Budget& budget, const Value& left, const Value& right) {
  if (left.is(Kind::string) && right.is(Kind::string)) return add_strings(budget, left, right);
  const bool both = is_list_or_tuple(left) && is_list_or_tuple(right) &&
                    left.sequence()->type == right.sequence()->type;
  if (!both) return unfit(BinaryOperator::add, left, right);
  std::vector<Value> items = left.sequence()->items;
  const auto& more = right.sequence()->items;
  LATHE_CHECK(budget.can_make_bytes((items.size() + more.size()) * 32));
  items.insert(items.end(), more.begin(), more.end());
  return Value(make_sequence(left.sequence()->type, std::move(items)));
}

}  // namespace

Result<Value> apply_binary(Budget& budget, BinaryOperator op, const Value& left,
                           const Value& right) {
  const auto a = left.as_integer();
  const auto b = right.as_integer();
  if (a && b) return integer_arithmetic(op, *a, *b);
  if (left.is_number() && right.is_number())
    return float_arithmetic(op, *left.as_double(), *right.as_double());
  if (op == BinaryOperator::modulo && left.is(Kind::string))
    return format_percent(budget, left, right);
  if (op == BinaryOperator::add) return add_containers(budget, left, right);
  if (op == BinaryOperator::multiply) {
    if ((left.is(Kind::string) || is_list_or_tuple(left)) && b) return repeat(budget, left, *b);
    if ((right.is(Kind::string) || is_list_or_tuple(right)) && a) return repeat(budget, right, *a);
  }
  return unfit(op, left, right);
}

Result<Value> apply_sign(bool negative, const Value& operand) {
  if (const auto number = operand.as_integer()) {
    if (!negative) return Value(*number);
    if (*number == INT64_MIN) return too_large();
    return Value(-*number);
  }
  if (const double* number = operand.floating()) return Value(negative ? -*number : *number);
  return misuse(operand, negative ? "a number: - needs one" : "a number: + needs one");
}

Result<bool> apply_comparison(Budget& budget, ast::Comparison op, const Value& left,
                              const Value& right) {
  using ast::Comparison;
  if (op == Comparison::in) return contains(budget, right, left);
  if (op == Comparison::not_in || op == Comparison::not_equal) {
    LATHE_TRY(const bool positive, op == Comparison::not_in ? contains(budget, right, left)
                                                            : equal(budget, left, right));
    return !positive;
  }
  if (op == Comparison::equal) return equal(budget, left, right);
  const bool swap = op == Comparison::greater || op == Comparison::greater_equal;
  LATHE_TRY(const int sign, swap ? compare(budget, right, left) : compare(budget, left, right));
  return op == Comparison::less || op == Comparison::greater ? sign < 0 : sign <= 0;
}

Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  if (const std::string* text = container.string()) {
    const std::string* part = item.string();
    if (!part) return misuse(item, "a string, as 'in' needs it before a string");
    LATHE_CHECK(budget.spend_bytes(text->size()));
    return text->find(*part) != std::string::npos;
  }
  if (const Mapping* mapping = container.mapping()) {
    if (item.is(Kind::mapping) || is_list_or_tuple(item)) LATHE_CHECK(Mapping().set(item, {}));
    return mapping->find(item) != nullptr;
  }
  LATHE_TRY(const SequencePointer items, items_of(budget, container));
  for (const Value& candidate : items->items) {
    LATHE_TRY(const bool same, equal(budget, candidate, item));
    if (same) return true;
  }
  return false;
}

Result<SequencePointer> items_of(Budget& budget, const Value& value) {
  if (SequencePointer sequence = value.sequence_pointer()) {
    if (sequence->type != SequenceType::generator) return sequence;
    const auto begin = sequence->items.begin() + static_cast<std::ptrdiff_t>(sequence->taken);
    std::vector<Value> left(begin, sequence->items.end());
    sequence->taken = sequence->items.size();
    return make_sequence(SequenceType::list, std::move(left));
  }
  std::vector<Value> items;
  if (const std::string* text = value.string()) {
    LATHE_CHECK(budget.spend_elements(text->size()));
    for (const std::string_view part : split_code_points(*text)) items.emplace_back(part);
  } else if (const Mapping* mapping = value.mapping()) {
    LATHE_CHECK(budget.spend_elements(mapping->size()));
    for (const auto& [key, member] : mapping->entries()) items.push_back(key);
  } else if (!value.is(Kind::undefined)) {
    return misuse(value, "iterable");
  }
  return make_sequence(SequenceType::list, std::move(items));
}

Result<std::int64_t> length_of(const Value& value) {
  if (const std::string* text = value.string())
    return static_cast<std::int64_t>(count_code_points(*text));
  if (const Mapping* mapping = value.mapping()) return static_cast<std::int64_t>(mapping->size());
  if (const Sequence* sequence = value.sequence();
      sequence && sequence->type != SequenceType::generator)
    return static_cast<std::int64_t>(sequence->items.size());
  if (value.is(Kind::undefined)) return std::int64_t{0};
  return misuse(value, "a thing with a length");
}

}  // namespace lathe::text::jinja
