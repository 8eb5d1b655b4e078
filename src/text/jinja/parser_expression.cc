#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "text/jinja/parser_state.h"

namespace lathe::text::jinja {
namespace {

int depth_of(const std::vector<ast::ExpressionPointer>& expressions) {
  int deepest = 0;
  for (const auto& expression : expressions) deepest = std::max(deepest, depth_of(expression));
  return deepest;
}

std::optional<ast::Comparison> comparison_of(const Token& token) {
  using ast::Comparison;
  if (token.type == TokenType::name)
    return token.text == "in" ? std::optional(Comparison::in) : std::nullopt;
  if (token.type != TokenType::symbol) return std::nullopt;
  if (token.text == "==") return Comparison::equal;
  if (token.text == "!=") return Comparison::not_equal;
  if (token.text == "<") return Comparison::less;
  if (token.text == "<=") return Comparison::less_equal;
  if (token.text == ">") return Comparison::greater;
  if (token.text == ">=") return Comparison::greater_equal;
  return std::nullopt;
}

std::optional<ast::BinaryOperator> product_of(const Token& token) {
  using ast::BinaryOperator;
  if (token.type != TokenType::symbol) return std::nullopt;
  if (token.text == "*") return BinaryOperator::multiply;
  if (token.text == "/") return BinaryOperator::divide;
  if (token.text == "//") return BinaryOperator::floor_divide;
  if (token.text == "%") return BinaryOperator::modulo;
  return std::nullopt;
}

Result<Value> integer_literal(std::string digits) {
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && digits[1] > '9') {
    base = (digits[1] | 32) == 'x' ? 16 : (digits[1] | 32) == 'o' ? 8 : 2;
    digits.erase(0, 2);
  }
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, base);
  if (parsed.ec == std::errc::result_out_of_range)
    return Error::unsupported("an integer of more than 64 bits");
  if (parsed.ec != std::errc() || parsed.ptr != end) return Error::bad_input("not a number");
  return Value(value);
}

Result<Value> floating_literal(std::string digits) {
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  double value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (parsed.ec != std::errc()) return Error::bad_input("a number out of range");
  return Value(value);
}

}  // namespace

Result<Parser::Pointer> Parser::make(ast::Expression::Node node, int line, int depth_inside) {
  if (depth_inside >= kMaxSyntaxDepth)
    return Error::limit(fmt::format("an expression has more than {} levels", kMaxSyntaxDepth))
        .at(line_place(line))
        .fix_with("split it with {% set %}");
  return std::make_unique<const ast::Expression>(
      ast::Expression{std::move(node), line, depth_inside + 1});
}

bool Parser::at_tuple_end() const {
  const TokenType type = now().type;
  return type == TokenType::variable_end || type == TokenType::block_end || at_symbol(")");
}

Result<Parser::Pointer> Parser::parse_tuple(bool with_conditional, bool in_parentheses) {
  const int line = now().line;
  std::vector<Pointer> items;
  bool is_tuple = false;
  while (!at_tuple_end()) {
    LATHE_TRY(Pointer item, with_conditional ? parse_expression() : parse_or());
    items.push_back(std::move(item));
    if (!skip_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && items.size() == 1) return std::move(items.front());
  if (items.empty() && (is_tuple || !in_parentheses)) return unexpected("an expression");
  const int depth = depth_of(items);
  return make(ast::ListDisplay{true, std::move(items)}, line, depth);
}

Result<Parser::Pointer> Parser::parse_expression() {
  const Level level(levels_);
  LATHE_CHECK(check_level());
  const int line = now().line;
  const std::size_t noted = unknown_.size();
  LATHE_TRY(Pointer value, parse_or());
  while (skip_name("if")) {
    LATHE_TRY(Pointer condition, parse_or());
    Pointer otherwise;
    if (skip_name("else")) {
      LATHE_TRY(otherwise, parse_expression());
    }
    const int depth = std::max({depth_of(value), depth_of(condition), depth_of(otherwise)});
    LATHE_TRY(value,
              make(ast::Conditional{std::move(condition), std::move(value), std::move(otherwise)},
                   line, depth));
    excuse_unknown(noted);
  }
  return value;
}

Result<Parser::Pointer> Parser::parse_or() {
  const int line = now().line;
  LATHE_TRY(Pointer left, parse_and());
  while (skip_name("or")) {
    LATHE_TRY(Pointer right, parse_and());
    const int depth = std::max(depth_of(left), depth_of(right));
    LATHE_TRY(left, make(ast::Logical{false, std::move(left), std::move(right)}, line, depth));
  }
  return left;
}

Result<Parser::Pointer> Parser::parse_and() {
  const int line = now().line;
  LATHE_TRY(Pointer left, parse_not());
  while (skip_name("and")) {
    LATHE_TRY(Pointer right, parse_not());
    const int depth = std::max(depth_of(left), depth_of(right));
    LATHE_TRY(left, make(ast::Logical{true, std::move(left), std::move(right)}, line, depth));
  }
  return left;
}

Result<Parser::Pointer> Parser::parse_not() {
  const int line = now().line;
  if (!skip_name("not")) return parse_compare();
  const Level level(levels_);
  LATHE_CHECK(check_level());
  LATHE_TRY(Pointer operand, parse_not());
  const int depth = depth_of(operand);
  return make(ast::Unary{ast::UnaryOperator::logical_not, std::move(operand)}, line, depth);
}

Result<Parser::Pointer> Parser::parse_compare() {
  const int line = now().line;
  LATHE_TRY(Pointer first, parse_sum());
  ast::Compare node{std::move(first), {}};
  int depth = depth_of(node.first);
  while (true) {
    auto op = comparison_of(now());
    if (!op && at_name("not") && ahead().type == TokenType::name && ahead().text == "in") {
      op = ast::Comparison::not_in;
      next();
    }
    if (!op) break;
    next();
    LATHE_TRY(Pointer right, parse_sum());
    depth = std::max(depth, depth_of(right));
    node.rest.emplace_back(*op, std::move(right));
  }
  if (node.rest.empty()) return std::move(node.first);
  return make(std::move(node), line, depth);
}

Result<Parser::Pointer> Parser::parse_sum() {
  const int line = now().line;
  LATHE_TRY(Pointer left, parse_concat());
  while (at_symbol("+") || at_symbol("-")) {
    const auto op = next().text == "+" ? ast::BinaryOperator::add : ast::BinaryOperator::subtract;
    LATHE_TRY(Pointer right, parse_concat());
    const int depth = std::max(depth_of(left), depth_of(right));
    LATHE_TRY(left, make(ast::Binary{op, std::move(left), std::move(right)}, line, depth));
  }
  return left;
}

Result<Parser::Pointer> Parser::parse_concat() {
  const int line = now().line;
  LATHE_TRY(Pointer first, parse_product());
  if (!at_symbol("~")) return first;
  std::vector<Pointer> parts;
  parts.push_back(std::move(first));
  while (skip_symbol("~")) {
    LATHE_TRY(Pointer part, parse_product());
    parts.push_back(std::move(part));
  }
  const int depth = depth_of(parts);
  return make(ast::Concat{std::move(parts)}, line, depth);
}

Result<Parser::Pointer> Parser::parse_product() {
  const int line = now().line;
  LATHE_TRY(Pointer left, parse_power());
  while (const auto op = product_of(now())) {
    next();
    LATHE_TRY(Pointer right, parse_power());
    const int depth = std::max(depth_of(left), depth_of(right));
    LATHE_TRY(left, make(ast::Binary{*op, std::move(left), std::move(right)}, line, depth));
  }
  return left;
}

Result<Parser::Pointer> Parser::parse_power() {
  const int line = now().line;
  LATHE_TRY(Pointer left, parse_unary(true));
  while (skip_symbol("**")) {
    LATHE_TRY(Pointer right, parse_unary(true));
    const int depth = std::max(depth_of(left), depth_of(right));
    LATHE_TRY(left, make(ast::Binary{ast::BinaryOperator::power, std::move(left), std::move(right)},
                         line, depth));
  }
  return left;
}

Result<Parser::Pointer> Parser::parse_unary(bool with_filters) {
  const int line = now().line;
  Pointer node;
  if (at_symbol("-") || at_symbol("+")) {
    const Level level(levels_);
    LATHE_CHECK(check_level());
    const auto op =
        next().text == "-" ? ast::UnaryOperator::negative : ast::UnaryOperator::positive;
    LATHE_TRY(Pointer operand, parse_unary(false));
    const int depth = depth_of(operand);
    LATHE_TRY(node, make(ast::Unary{op, std::move(operand)}, line, depth));
  } else {
    LATHE_TRY(node, parse_primary());
  }
  LATHE_TRY(node, parse_postfix(std::move(node)));
  if (!with_filters) return node;
  return parse_filters_and_tests(std::move(node));
}

Result<Parser::Pointer> Parser::parse_primary() {
  switch (now().type) {
    case TokenType::name:
      return parse_name();
    case TokenType::string:
      return parse_strings();
    case TokenType::integer:
    case TokenType::floating:
      return parse_number();
    default:
      break;
  }
  if (at_symbol("(")) return parse_parentheses();
  if (at_symbol("[")) return parse_list();
  if (at_symbol("{")) return parse_dict();
  return unexpected("an expression");
}

Result<Parser::Pointer> Parser::parse_name() {
  const Token token = next();
  const std::string_view text = token.text;
  if (text == "true" || text == "True") return make(ast::Literal{Value(true)}, token.line, 0);
  if (text == "false" || text == "False") return make(ast::Literal{Value(false)}, token.line, 0);
  if (text == "none" || text == "None") return make(ast::Literal{Value()}, token.line, 0);
  for (ast::Routine* routine : routines_) {
    routine->reads_varargs |= text == "varargs";
    routine->reads_kwargs |= text == "kwargs";
    routine->reads_caller |= text == "caller";
  }
  return make(ast::Name{std::string(text)}, token.line, 0);
}

Result<Parser::Pointer> Parser::parse_number() {
  const Token token = next();
  const std::string digits(token.text);
  LATHE_TRY(Value value,
            (token.type == TokenType::integer ? integer_literal(digits) : floating_literal(digits))
                .at(line_place(token.line)));
  return make(ast::Literal{std::move(value)}, token.line, 0);
}

// Adjacent strings are one.
Result<Parser::Pointer> Parser::parse_strings() {
  const int line = now().line;
  std::string text;
  while (now().type == TokenType::string) {
    LATHE_TRY(const std::string part, unquote(now().text).at(line_place(now().line)));
    text += part;
    next();
  }
  return make(ast::Literal{Value(std::move(text))}, line, 0);
}

Result<Parser::Pointer> Parser::parse_parentheses() {
  next();
  LATHE_TRY(Pointer inner, parse_tuple(true, true));
  LATHE_CHECK(expect_symbol(")"));
  return inner;
}

Result<Parser::Pointer> Parser::parse_list() {
  const int line = next().line;
  std::vector<Pointer> items;
  while (!at_symbol("]")) {
    LATHE_TRY(Pointer item, parse_expression());
    items.push_back(std::move(item));
    if (!skip_symbol(",")) break;
  }
  LATHE_CHECK(expect_symbol("]"));
  const int depth = depth_of(items);
  return make(ast::ListDisplay{false, std::move(items)}, line, depth);
}

Result<Parser::Pointer> Parser::parse_dict() {
  const int line = next().line;
  ast::DictDisplay node;
  int depth = 0;
  while (!at_symbol("}")) {
    LATHE_TRY(Pointer key, parse_expression());
    LATHE_CHECK(expect_symbol(":"));
    LATHE_TRY(Pointer value, parse_expression());
    depth = std::max({depth, depth_of(key), depth_of(value)});
    node.entries.emplace_back(std::move(key), std::move(value));
    if (!skip_symbol(",")) break;
  }
  LATHE_CHECK(expect_symbol("}"));
  return make(std::move(node), line, depth);
}

}  // namespace lathe::text::jinja
