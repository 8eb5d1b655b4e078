#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja/parser.h"
#include "text/jinja/parser_state.h"

namespace lathe::text::jinja {
namespace {

// Names that literals use: `set none = 1` would not do what it says.
bool is_reserved(std::string_view name) {
  constexpr std::array<std::string_view, 6> kReserved = {"true", "false", "none",
                                                         "True", "False", "None"};
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

std::string list_ends(std::initializer_list<std::string_view> ends) {
  std::string text;
  for (const std::string_view end : ends)
    text += fmt::format("{}{{% {} %}}", text.empty() ? "" : " or ", end);
  return text;
}

}  // namespace

Result<ast::Block> Parser::parse_all() {
  LATHE_TRY(ast::Block block, parse_block({}, 1));
  if (unknown_.empty()) return block;
  return Error::bad_input(unknown_.front().message).at(line_place(unknown_.front().line));
}

// A block that has names of its own.
Result<ast::Block> Parser::parse_inner_block(std::initializer_list<std::string_view> ends,
                                             int opened_at) {
  ++blocks_;
  auto block = parse_block(ends, opened_at);
  --blocks_;
  return block;
}

Result<ast::Block> Parser::parse_block(std::initializer_list<std::string_view> ends,
                                       int opened_at) {
  const Level level(levels_);
  LATHE_CHECK(check_level());
  ast::Block block;
  while (now().type != TokenType::end) {
    const Token token = next();
    if (token.type == TokenType::data) {
      block.push_back({ast::Output{std::string(token.text)}, token.line});
    } else if (token.type == TokenType::variable_begin) {
      LATHE_TRY(Pointer value, parse_tuple(true, false));
      if (now().type != TokenType::variable_end) return unexpected("'}}'");
      next();
      block.push_back({ast::Print{std::move(value)}, token.line});
    } else {
      const bool ended = now().type == TokenType::name &&
                         std::find(ends.begin(), ends.end(), now().text) != ends.end();
      if (ended) return block;
      LATHE_CHECK(parse_tag(block));
    }
  }
  if (ends.size() == 0) return block;
  return Error::bad_input("a block is not closed")
      .at(line_place(opened_at))
      .fix_with("add " + list_ends(ends));
}

Status Parser::parse_tag(ast::Block& block) {
  if (at_name("print")) return parse_print(block);
  LATHE_TRY(ast::Statement statement, parse_statement());
  block.push_back(std::move(statement));
  return end_tag();
}

// {% print a, b %} writes each.
Status Parser::parse_print(ast::Block& block) {
  const int line = next().line;
  bool first = true;
  while (now().type != TokenType::block_end) {
    if (!first) LATHE_CHECK(expect_symbol(","));
    first = false;
    LATHE_TRY(Pointer value, parse_expression());
    block.push_back({ast::Print{std::move(value)}, line});
  }
  return end_tag();
}

Status Parser::end_tag() {
  if (now().type != TokenType::block_end) return unexpected("'%}'");
  next();
  return {};
}

Result<ast::Statement> Parser::parse_statement() {
  const Token tag = now();
  if (tag.type != TokenType::name) return unexpected("the name of a tag");
  next();
  if (tag.text == "if") return parse_if(tag.line);
  if (tag.text == "for") return parse_for(tag.line);
  if (tag.text == "set") return parse_set(tag.line);
  if (tag.text == "macro") return parse_macro(tag.line);
  if (tag.text == "call") return parse_call_block(tag.line);
  if (tag.text == "filter") return parse_filter_block(tag.line);
  if (tag.text == "with") return parse_with(tag.line);
  if (tag.text == "generation") return parse_generation(tag.line);
  if (tag.text == "break" || tag.text == "continue") {
    --at_;
    return parse_loop_control(tag.line);
  }
  for (const std::string_view other :
       {"include", "import", "from", "extends", "block", "autoescape", "do", "trans"})
    if (tag.text == other)
      return Error::unsupported(fmt::format("the tag '{}' is not part of chat templates", tag.text))
          .at(line_place(tag.line));
  return Error::bad_input(fmt::format("unknown tag '{}'", tag.text)).at(line_place(tag.line));
}

Result<ast::Statement> Parser::parse_if(int line) {
  ast::If node;
  const std::size_t noted = unknown_.size();
  while (true) {
    LATHE_TRY(Pointer condition, parse_tuple(false, false));
    LATHE_CHECK(end_tag());
    LATHE_TRY(ast::Block body, parse_block({"elif", "else", "endif"}, line));
    node.branches.push_back({std::move(condition), std::move(body)});
    if (!skip_name("elif")) break;
  }
  if (skip_name("else")) {
    LATHE_CHECK(end_tag());
    LATHE_TRY(node.otherwise, parse_block({"endif"}, line));
  }
  LATHE_CHECK(expect_name("endif"));
  excuse_unknown(noted);
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_for(int line) {
  ast::For node;
  LATHE_TRY(node.target, parse_target(false));
  LATHE_CHECK(expect_name("in"));
  LATHE_TRY(node.iterable, parse_tuple(false, false));
  if (skip_name("if")) {
    LATHE_TRY(node.condition, parse_expression());
  }
  node.recursive = skip_name("recursive");
  LATHE_CHECK(end_tag());
  ++loops_;
  auto body = parse_inner_block({"else", "endfor"}, line);
  --loops_;
  if (!body.ok()) return std::move(body).error();
  node.body = std::move(body).value();
  if (skip_name("else")) {
    LATHE_CHECK(end_tag());
    LATHE_TRY(node.otherwise, parse_inner_block({"endfor"}, line));
  }
  LATHE_CHECK(expect_name("endfor"));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_set(int line) {
  LATHE_TRY(ast::Target target, parse_target(true));
  if (skip_symbol("=")) {
    LATHE_TRY(Pointer value, parse_tuple(true, false));
    return ast::Statement{ast::Set{std::move(target), std::move(value)}, line};
  }
  ast::SetBlock node{std::move(target), nullptr, {}};
  if (at_symbol("|")) {
    LATHE_TRY(node.filter, parse_filter_chain(nullptr, false));
  }
  LATHE_CHECK(end_tag());
  LATHE_TRY(node.body, parse_inner_block({"endset"}, line));
  LATHE_CHECK(expect_name("endset"));
  return ast::Statement{std::move(node), line};
}

Status Parser::parse_parameters(ast::Routine& routine) {
  if (!skip_symbol("(")) return {};
  while (!at_symbol(")")) {
    if (!routine.parameters.empty()) LATHE_CHECK(expect_symbol(","));
    LATHE_TRY(std::string name, expect_any_name("a parameter"));
    for (const auto& parameter : routine.parameters)
      if (parameter.name == name)
        return Error::bad_input(fmt::format("the parameter '{}' is there twice", name))
            .at(line_place(now().line));
    Pointer fallback;
    if (skip_symbol("=")) {
      LATHE_TRY(fallback, parse_expression());
    } else if (!routine.parameters.empty() && routine.parameters.back().fallback) {
      return Error::bad_input("a parameter without a default follows one with a default")
          .at(line_place(now().line));
    }
    routine.parameters.push_back({std::move(name), std::move(fallback)});
  }
  return expect_symbol(")");
}

Status Parser::parse_routine_body(ast::Routine& routine, std::string_view end, int line) {
  const int loops = std::exchange(loops_, 0);
  routines_.push_back(&routine);
  auto body = parse_inner_block({end}, line);
  routines_.pop_back();
  loops_ = loops;
  if (!body.ok()) return std::move(body).error();
  routine.body = std::move(body).value();
  return expect_name(end);
}

Result<ast::Statement> Parser::parse_macro(int line) {
  ast::Macro node;
  LATHE_TRY(node.routine.name, expect_any_name("the name of a macro"));
  if (!at_symbol("(")) return unexpected("'('");
  LATHE_CHECK(parse_parameters(node.routine));
  LATHE_CHECK(end_tag());
  LATHE_CHECK(parse_routine_body(node.routine, "endmacro", line));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_call_block(int line) {
  ast::CallBlock node;
  node.caller.name = "caller";
  node.caller.of_call_block = true;
  LATHE_CHECK(parse_parameters(node.caller));
  LATHE_TRY(node.call, parse_expression());
  if (!std::holds_alternative<ast::Call>(node.call->node))
    return Error::bad_input("a call block needs a call").at(line_place(line));
  LATHE_CHECK(end_tag());
  LATHE_CHECK(parse_routine_body(node.caller, "endcall", line));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_filter_block(int line) {
  ast::FilterBlock node;
  LATHE_TRY(node.filter, parse_filter_chain(nullptr, true));
  LATHE_CHECK(end_tag());
  LATHE_TRY(node.body, parse_inner_block({"endfilter"}, line));
  LATHE_CHECK(expect_name("endfilter"));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_with(int line) {
  ast::With node;
  while (now().type != TokenType::block_end) {
    if (!node.values.empty()) LATHE_CHECK(expect_symbol(","));
    LATHE_TRY(ast::Target target, parse_target(false));
    LATHE_CHECK(expect_symbol("="));
    LATHE_TRY(Pointer value, parse_expression());
    node.values.emplace_back(std::move(target), std::move(value));
  }
  LATHE_CHECK(end_tag());
  LATHE_TRY(node.body, parse_inner_block({"endwith"}, line));
  LATHE_CHECK(expect_name("endwith"));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_generation(int line) {
  LATHE_CHECK(end_tag());
  ast::Generation node;
  const int loops = std::exchange(loops_, 0);
  auto body = parse_inner_block({"endgeneration"}, line);
  loops_ = loops;
  if (!body.ok()) return std::move(body).error();
  node.body = std::move(body).value();
  LATHE_CHECK(expect_name("endgeneration"));
  return ast::Statement{std::move(node), line};
}

Result<ast::Statement> Parser::parse_loop_control(int line) {
  const std::string_view word = next().text;
  if (loops_ == 0)
    return Error::bad_input(fmt::format("'{}' outside a loop", word)).at(line_place(line));
  if (word == "break") return ast::Statement{ast::Break{}, line};
  return ast::Statement{ast::Continue{}, line};
}

Result<ast::Target> Parser::parse_target(bool allow_member) {
  const Level level(levels_);
  LATHE_CHECK(check_level());
  ast::Target tuple{ast::Target::Kind::tuple, {}, {}, {}};
  while (true) {
    LATHE_TRY(ast::Target part, parse_target_part(allow_member));
    tuple.parts.push_back(std::move(part));
    if (!skip_symbol(",")) break;
    if (at_name("in") || at_symbol("=") || at_symbol(")")) return tuple;
  }
  if (tuple.parts.size() > 1) return tuple;
  ast::Target only = std::move(tuple.parts.front());
  return only;
}

Result<ast::Target> Parser::parse_target_part(bool allow_member) {
  if (skip_symbol("(")) {
    LATHE_TRY(ast::Target inner, parse_target(allow_member));
    LATHE_CHECK(expect_symbol(")"));
    return inner;
  }
  LATHE_TRY(std::string name, expect_any_name("the name of a variable"));
  if (is_reserved(name))
    return Error::bad_input(fmt::format("cannot assign to '{}'", name)).at(line_place(now().line));
  if (!allow_member || !skip_symbol("."))
    return ast::Target{ast::Target::Kind::name, std::move(name), {}, {}};
  LATHE_TRY(std::string member, expect_any_name("an attribute"));
  return ast::Target{ast::Target::Kind::member, std::move(name), std::move(member), {}};
}

bool Parser::skip_symbol(std::string_view text) {
  if (!at_symbol(text)) return false;
  next();
  return true;
}

bool Parser::skip_name(std::string_view text) {
  if (!at_name(text)) return false;
  next();
  return true;
}

Status Parser::expect_symbol(std::string_view text) {
  if (!skip_symbol(text)) return unexpected(fmt::format("'{}'", text));
  return {};
}

Status Parser::expect_name(std::string_view text) {
  if (!skip_name(text)) return unexpected(fmt::format("'{}'", text));
  return {};
}

Result<std::string> Parser::expect_any_name(std::string_view what) {
  if (now().type != TokenType::name) return unexpected(what);
  return std::string(next().text);
}

Error Parser::unexpected(std::string_view expected) const {
  std::string found;
  switch (now().type) {
    case TokenType::end:
      found = "the end of the template";
      break;
    case TokenType::variable_end:
      found = "'}}'";
      break;
    case TokenType::block_end:
      found = "'%}'";
      break;
    default:
      found = fmt::format("'{}'", now().text.substr(0, 40));
  }
  return Error::bad_input(fmt::format("expected {}, found {}", expected, found))
      .at(line_place(now().line));
}

Status Parser::check_level() const {
  if (levels_ > kMaxSyntaxDepth)
    return Error::limit(fmt::format("the template nests more than {} levels deep", kMaxSyntaxDepth))
        .at(line_place(now().line));
  return {};
}

Result<ast::Block> parse_template(std::string_view source) {
  if (source.size() > kMaxSourceBytes)
    return Error::limit(
        fmt::format("the template has {} bytes, more than {}", source.size(), kMaxSourceBytes));
  const std::string normalized = normalize_newlines(source);
  LATHE_TRY(std::vector<Token> tokens, tokenize(normalized));
  return Parser(std::move(tokens)).parse_all();
}

}  // namespace lathe::text::jinja
