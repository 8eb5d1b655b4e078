// What follows a value: attributes, subscripts, calls, filters and tests.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja/filters.h"
#include "text/jinja/parser_state.h"
#include "text/jinja/predicates.h"

namespace lathe::text::jinja {
namespace {

int depth_of(const ast::ArgumentList& arguments) {
  int deepest = std::max(depth_of(arguments.more_positional), depth_of(arguments.more_named));
  for (const auto& value : arguments.positional) deepest = std::max(deepest, depth_of(value));
  for (const auto& [name, value] : arguments.named) deepest = std::max(deepest, depth_of(value));
  return deepest;
}

}  // namespace

Result<Parser::Pointer> Parser::parse_postfix(Pointer object) {
  while (true) {
    if (at_symbol(".")) {
      LATHE_TRY(object, parse_attribute(std::move(object)));
    } else if (at_symbol("[")) {
      LATHE_TRY(object, parse_subscript(std::move(object)));
    } else if (at_symbol("(")) {
      const int line = now().line;
      LATHE_TRY(ast::ArgumentList arguments, parse_arguments());
      const int depth = std::max(depth_of(object), depth_of(arguments));
      LATHE_TRY(object, make(ast::Call{std::move(object), std::move(arguments)}, line, depth));
    } else {
      return object;
    }
  }
}

Result<Parser::Pointer> Parser::parse_attribute(Pointer object) {
  const int line = next().line;
  const int depth = depth_of(object);
  if (now().type == TokenType::integer) {
    LATHE_TRY(Pointer index, parse_number());
    return make(ast::Subscript{std::move(object), std::move(index)}, line, depth);
  }
  LATHE_TRY(std::string name, expect_any_name("a name or a number"));
  return make(ast::Attribute{std::move(object), std::move(name)}, line, depth);
}

Result<Parser::Pointer> Parser::parse_subscript(Pointer object) {
  const int line = next().line;
  Pointer start;
  if (!at_symbol(":")) {
    LATHE_TRY(start, parse_expression());
    if (skip_symbol("]")) {
      const int depth = std::max(depth_of(object), depth_of(start));
      return make(ast::Subscript{std::move(object), std::move(start)}, line, depth);
    }
  }
  LATHE_CHECK(expect_symbol(":"));
  Pointer stop;
  Pointer step;
  if (!at_symbol("]") && !at_symbol(":")) {
    LATHE_TRY(stop, parse_expression());
  }
  if (skip_symbol(":") && !at_symbol("]")) {
    LATHE_TRY(step, parse_expression());
  }
  LATHE_CHECK(expect_symbol("]"));
  const int depth = std::max({depth_of(object), depth_of(start), depth_of(stop), depth_of(step)});
  return make(ast::Slice{std::move(object), std::move(start), std::move(stop), std::move(step)},
              line, depth);
}

Result<ast::ArgumentList> Parser::parse_arguments() {
  LATHE_CHECK(expect_symbol("("));
  ast::ArgumentList arguments;
  while (!at_symbol(")")) {
    LATHE_CHECK(parse_argument(arguments));
    if (!skip_symbol(",")) break;
  }
  LATHE_CHECK(expect_symbol(")"));
  return arguments;
}

Status Parser::parse_argument(ast::ArgumentList& arguments) {
  const Error misplaced =
      Error::bad_input("the arguments of a call are out of order").at(line_place(now().line));
  if (skip_symbol("*")) {
    if (arguments.more_positional || arguments.more_named) return misplaced;
    LATHE_TRY(arguments.more_positional, parse_expression());
    return {};
  }
  if (arguments.more_named) return misplaced;
  if (skip_symbol("**")) {
    LATHE_TRY(arguments.more_named, parse_expression());
    return {};
  }
  const bool named =
      now().type == TokenType::name && ahead().type == TokenType::symbol && ahead().text == "=";
  if (named) {
    std::string name(next().text);
    next();
    for (const auto& [other, value] : arguments.named)
      if (other == name)
        return Error::bad_input(fmt::format("the argument '{}' is there twice", name))
            .at(line_place(now().line));
    LATHE_TRY(Pointer value, parse_expression());
    arguments.named.emplace_back(std::move(name), std::move(value));
    return {};
  }
  if (arguments.more_positional || !arguments.named.empty()) return misplaced;
  LATHE_TRY(Pointer value, parse_expression());
  arguments.positional.push_back(std::move(value));
  return {};
}

Result<Parser::Pointer> Parser::parse_filters_and_tests(Pointer input) {
  while (true) {
    if (at_symbol("|")) {
      LATHE_TRY(input, parse_filter_chain(std::move(input), false));
    } else if (at_name("is")) {
      LATHE_TRY(input, parse_test(std::move(input)));
    } else if (at_symbol("(")) {
      LATHE_TRY(input, parse_postfix(std::move(input)));
    } else {
      return input;
    }
  }
}

Result<std::string> Parser::parse_dotted_name(std::string_view what) {
  LATHE_TRY(std::string name, expect_any_name(what));
  while (skip_symbol(".")) {
    LATHE_TRY(const std::string part, expect_any_name(what));
    name += "." + part;
  }
  return name;
}

void Parser::note_unknown(std::string_view kind, std::string_view name, int line) {
  unknown_.push_back({fmt::format("no {} named '{}'", kind, name), line, blocks_});
}

void Parser::excuse_unknown(std::size_t noted_before) {
  const auto begin = unknown_.begin() + static_cast<std::ptrdiff_t>(noted_before);
  const auto excused = [this](const UnknownName& one) { return one.block == blocks_; };
  unknown_.erase(std::remove_if(begin, unknown_.end(), excused), unknown_.end());
}

Result<Parser::Pointer> Parser::parse_filter_chain(Pointer input, bool starts_with_name) {
  bool first = starts_with_name;
  while (first || at_symbol("|")) {
    if (!first) next();
    first = false;
    const int line = now().line;
    ast::Filter node{std::move(input), {}, {}};
    LATHE_TRY(node.name, parse_dotted_name("the name of a filter"));
    if (at_symbol("(")) {
      LATHE_TRY(node.arguments, parse_arguments());
    }
    if (!filter_exists(node.name)) note_unknown("filter", node.name, line);
    const int depth = std::max(depth_of(node.input), depth_of(node.arguments));
    LATHE_TRY(input, make(std::move(node), line, depth));
  }
  return input;
}

Result<Parser::Pointer> Parser::parse_test(Pointer input) {
  const int line = next().line;
  const bool negated = skip_name("not");
  ast::Test node{std::move(input), {}, {}};
  LATHE_TRY(node.name, parse_dotted_name("the name of a test"));
  if (!test_exists(node.name)) note_unknown("test", node.name, line);
  LATHE_CHECK(parse_test_arguments(node.arguments));
  const int depth = std::max(depth_of(node.input), depth_of(node.arguments));
  LATHE_TRY(Pointer test, make(std::move(node), line, depth));
  if (!negated) return test;
  return make(ast::Unary{ast::UnaryOperator::logical_not, std::move(test)}, line, depth + 1);
}

// "(3)" or a bare value: `x is divisibleby 3`.
Status Parser::parse_test_arguments(ast::ArgumentList& arguments) {
  if (at_symbol("(")) {
    LATHE_TRY(arguments, parse_arguments());
    return {};
  }
  const TokenType type = now().type;
  const bool is_value = type == TokenType::name || type == TokenType::string ||
                        type == TokenType::integer || type == TokenType::floating ||
                        at_symbol("[") || at_symbol("{");
  const bool is_operator = at_name("else") || at_name("or") || at_name("and");
  if (!is_value || is_operator) return {};
  if (at_name("is"))
    return Error::bad_input("two tests in a row").at(line_place(now().line)).fix_with("use 'and'");
  LATHE_TRY(Pointer value, parse_primary());
  LATHE_TRY(value, parse_postfix(std::move(value)));
  arguments.positional.push_back(std::move(value));
  return {};
}

}  // namespace lathe::text::jinja
