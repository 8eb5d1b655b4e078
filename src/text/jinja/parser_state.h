// The parser's position and its parts, for parser_expression.cc and parser_statement.cc only.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace lathe::text::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<ast::Block> parse_all();

 private:
  using Pointer = ast::ExpressionPointer;

  // Statements (parser_statement.cc). A block ends at one of `ends`, which is consumed with its
  // "{%"; the caller reads the rest of the tag.
  Result<ast::Block> parse_block(std::initializer_list<std::string_view> ends, int opened_at);
  Result<ast::Block> parse_inner_block(std::initializer_list<std::string_view> ends, int opened_at);
  Status parse_tag(ast::Block& block);
  Status parse_print(ast::Block& block);
  Result<ast::Statement> parse_statement();
  Result<ast::Statement> parse_if(int line);
  Result<ast::Statement> parse_for(int line);
  Result<ast::Statement> parse_set(int line);
  Result<ast::Statement> parse_macro(int line);
  Result<ast::Statement> parse_call_block(int line);
  Result<ast::Statement> parse_filter_block(int line);
  Result<ast::Statement> parse_with(int line);
  Result<ast::Statement> parse_generation(int line);
  Result<ast::Statement> parse_loop_control(int line);
  // Parameters "(a, b=1)" if they are there, and the body up to `end`.
  Status parse_parameters(ast::Routine& routine);
  Status parse_routine_body(ast::Routine& routine, std::string_view end, int line);
  Result<ast::Target> parse_target(bool allow_member);
  Result<ast::Target> parse_target_part(bool allow_member);
  Status end_tag();

  // Expressions (parser_expression.cc), from the loosest to the tightest binding.
  Result<Pointer> parse_tuple(bool with_conditional, bool in_parentheses);
  Result<Pointer> parse_expression();
  Result<Pointer> parse_or();
  Result<Pointer> parse_and();
  Result<Pointer> parse_not();
  Result<Pointer> parse_compare();
  Result<Pointer> parse_sum();
  Result<Pointer> parse_concat();
  Result<Pointer> parse_product();
  Result<Pointer> parse_power();
  Result<Pointer> parse_unary(bool with_filters);
  Result<Pointer> parse_primary();
  Result<Pointer> parse_name();
  Result<Pointer> parse_number();
  Result<Pointer> parse_strings();
  Result<Pointer> parse_parentheses();
  Result<Pointer> parse_list();
  Result<Pointer> parse_dict();
  Result<Pointer> parse_postfix(Pointer object);
  Result<Pointer> parse_subscript(Pointer object);
  Result<Pointer> parse_attribute(Pointer object);
  Result<Pointer> parse_filters_and_tests(Pointer input);
  Result<Pointer> parse_filter_chain(Pointer input, bool starts_with_name);
  Result<Pointer> parse_test(Pointer input);
  Status parse_test_arguments(ast::ArgumentList& arguments);
  Result<ast::ArgumentList> parse_arguments();
  Status parse_argument(ast::ArgumentList& arguments);
  Result<std::string> parse_dotted_name(std::string_view what);
  bool at_tuple_end() const;

  // Wraps a node with its line and depth. Errors: limit.
  Result<Pointer> make(ast::Expression::Node node, int line, int depth_inside);

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool at_symbol(std::string_view text) const {
    return now().type == TokenType::symbol && now().text == text;
  }
  bool at_name(std::string_view text) const {
    return now().type == TokenType::name && now().text == text;
  }
  bool skip_symbol(std::string_view text);
  bool skip_name(std::string_view text);
  Status expect_symbol(std::string_view text);
  Status expect_name(std::string_view text);
  Result<std::string> expect_any_name(std::string_view what);
  Error unexpected(std::string_view expected) const;
  // Counts a level of recursion for as long as it lives.
  struct Level {
    explicit Level(int& count) : levels(count) { ++levels; }
    ~Level() { --levels; }
    Level(const Level&) = delete;
    int& levels;
  };
  Status check_level() const;

  // Filters and tests that do not exist are an error of the template, used or not, unless they
  // stand in an `if`, whose author may have asked for them before: the rule of Jinja's compiler,
  // which counts only what stands in the `if` itself, not in a block inside it.
  struct UnknownName {
    std::string message;
    int line;
    int block;  // blocks_ where it stood
  };
  void note_unknown(std::string_view kind, std::string_view name, int line);
  // What has been noted since then in this very block may be missing.
  void excuse_unknown(std::size_t noted_before);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int levels_ = 0;
  std::vector<UnknownName> unknown_;
  int blocks_ = 0;  // enclosing blocks with names of their own: loops, macros, with, …
  int loops_ = 0;   // enclosing `for` statements, for break and continue
  std::vector<ast::Routine*> routines_;  // enclosing macros and call blocks
};

}  // namespace lathe::text::jinja
