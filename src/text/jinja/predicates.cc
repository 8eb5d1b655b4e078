#include "text/jinja/predicates.h"

#include <fmt/format.h>

#include <array>

#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

// Tests of the value alone.
bool is_iterable(const Value& value) {
  return value.is(Kind::string) || value.is(Kind::sequence) || value.is(Kind::mapping) ||
         value.is(Kind::undefined) || value.is(Kind::loop);
}

bool is_sequence(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.is(Kind::string) || value.is(Kind::mapping) || value.is(Kind::undefined) ||
         (sequence && sequence->can_index());
}

bool is_true(const Value& value) { return value.boolean() && *value.boolean(); }
bool is_false(const Value& value) { return value.boolean() && !*value.boolean(); }

bool is_callable(const Value& value) {
  return value.is(Kind::callable) || value.is(Kind::loop) || value.is(Kind::undefined);
}

bool is_integer(const Value& value) {
  return value.is(Kind::integer) || value.is(Kind::large_integer);
}

template <Kind Wanted>
bool has_kind(const Value& value) {
  return value.is(Wanted);
}

struct PlainTest {
  std::string_view name;
  bool (*holds)(const Value&);
};

constexpr std::array kPlainTests = {
    PlainTest{"defined", [](const Value& value) { return !value.is(Kind::undefined); }},
    PlainTest{"undefined", has_kind<Kind::undefined>},
    PlainTest{"none", has_kind<Kind::none>},
    PlainTest{"boolean", has_kind<Kind::boolean>},
    PlainTest{"true", is_true},
    PlainTest{"false", is_false},
    PlainTest{"integer", is_integer},
    PlainTest{"float", has_kind<Kind::floating>},
    PlainTest{"number", [](const Value& value) { return value.is_number() || is_integer(value); }},
    PlainTest{"string", has_kind<Kind::string>},
    PlainTest{"mapping", has_kind<Kind::mapping>},
    PlainTest{"sequence", is_sequence},
    PlainTest{"iterable", is_iterable},
    PlainTest{"callable", is_callable},
    PlainTest{"escaped", [](const Value& value) { return value.is_markup(); }},
};

// Tests that compare with an argument.
struct ComparingTest {
  std::string_view name;
  ast::Comparison comparison;
};

constexpr std::array kComparingTests = {
    ComparingTest{"==", ast::Comparison::equal},
    ComparingTest{"eq", ast::Comparison::equal},
    ComparingTest{"equalto", ast::Comparison::equal},
    ComparingTest{"!=", ast::Comparison::not_equal},
    ComparingTest{"ne", ast::Comparison::not_equal},
    ComparingTest{"<", ast::Comparison::less},
    ComparingTest{"lt", ast::Comparison::less},
    ComparingTest{"lessthan", ast::Comparison::less},
    ComparingTest{"<=", ast::Comparison::less_equal},
    ComparingTest{"le", ast::Comparison::less_equal},
    ComparingTest{">", ast::Comparison::greater},
    ComparingTest{"gt", ast::Comparison::greater},
    ComparingTest{"greaterthan", ast::Comparison::greater},
    ComparingTest{">=", ast::Comparison::greater_equal},
    ComparingTest{"ge", ast::Comparison::greater_equal},
    ComparingTest{"in", ast::Comparison::in},
};

// Tests that need more than that.
using TestFunction = Result<bool> (*)(Interpreter&, const Value&, const Arguments&);
struct OtherTest {
  std::string_view name;
  TestFunction function;
};

Result<bool> divisible(Interpreter& interpreter, const Value& input, const Value& divisor,
                       std::int64_t remainder) {
  LATHE_TRY(const Value rest,
            apply_binary(interpreter.budget(), ast::BinaryOperator::modulo, input, divisor));
  return equal(interpreter.budget(), rest, Value(remainder));
}

template <int Remainder>
Result<bool> test_parity(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("even or odd", given, {}));
  if (!input.is_number()) return misuse(input, "a number, as even and odd need it");
  return divisible(interpreter, input, Value(2), Remainder);
}

Result<bool> test_divisible(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("divisibleby", given, {"num"}, 1));
  if (!input.is_number()) return misuse(input, "a number, as divisibleby needs it");
  return divisible(interpreter, input, *bound[0], 0);
}

// All letters that have a case have this one, and there is at least one.
template <bool (*Wanted)(char32_t)>
Result<bool> test_case(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("upper or lower", given, {}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  return has_only_case(text, Wanted);
}

Result<bool> test_same(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("sameas", given, {"other"}, 1));
  return input.same_object(*bound[0]);
}

template <bool (*Exists)(std::string_view)>
Result<bool> test_name(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("filter or test", given, {}));
  if (!hashable(input)) return misuse(input, "the name of a filter or a test");
  return input.string() && Exists(*input.string());
}

constexpr std::array kOtherTests = {
    OtherTest{"even", test_parity<0>},
    OtherTest{"odd", test_parity<1>},
    OtherTest{"divisibleby", test_divisible},
    OtherTest{"upper", test_case<is_upper>},
    OtherTest{"lower", test_case<is_lower>},
    OtherTest{"sameas", test_same},
    OtherTest{"filter", test_name<filter_exists>},
    OtherTest{"test", test_name<test_exists>},
};

template <class Table>
auto find_in(const Table& table, std::string_view name) -> decltype(table.data()) {
  for (const auto& entry : table)
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace

bool test_exists(std::string_view name) {
  return find_in(kPlainTests, name) || find_in(kComparingTests, name) || find_in(kOtherTests, name);
}

Result<bool> apply_test(Interpreter& interpreter, std::string_view name, const Value& input,
                        const Arguments& arguments) {
  if (const PlainTest* test = find_in(kPlainTests, name)) {
    LATHE_CHECK(Bound::bind(name, arguments, {}));
    return test->holds(input);
  }
  if (const ComparingTest* test = find_in(kComparingTests, name)) {
    LATHE_TRY(const Bound bound, Bound::bind(name, arguments, {"other"}, 1));
    return apply_comparison(interpreter.budget(), test->comparison, input, *bound[0]);
  }
  if (const OtherTest* test = find_in(kOtherTests, name))
    return test->function(interpreter, input, arguments);
  return Error::bad_input(fmt::format("no test named '{}'", name));
}

}  // namespace lathe::text::jinja
