#include <fmt/format.h>

#include "text/jinja/globals.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/interpreter_scope.h"
#include "text/jinja/lexer.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {

Interpreter::Interpreter(const RenderInput& input)
    : input_(input), budget_(input.limits), scope_(std::make_shared<Scope>()) {}

Interpreter::~Interpreter() {
  // A macro holds the scope it was defined in, and that scope holds the macro.
  for (const ScopePointer& scope : kept_scopes_) scope->variables.clear();
}

Result<Rendered> Interpreter::render(const ast::Block& block) {
  LATHE_TRY([[maybe_unused]] const Flow flow, run(block));
  return std::move(rendered_);
}

Namespace* Interpreter::make_namespace() { return &namespaces_.emplace_back(); }

Status Interpreter::write(std::string_view text) {
  if (text.size() > input_.limits.output_bytes - std::min(out_->size(), input_.limits.output_bytes))
    return Error::limit(
        fmt::format("the rendered text is larger than {} bytes", input_.limits.output_bytes));
  out_->append(text);
  return {};
}

Result<Interpreter::Flow> Interpreter::run(const ast::Block& block) {
  for (const ast::Statement& statement : block) {
    LATHE_TRY(const Flow flow, run(statement));
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run(const ast::Statement& statement) {
  LATHE_CHECK(budget_.enter().at(line_place(statement.line)));
  const LevelGuard level(budget_);
  LATHE_CHECK(budget_.spend(1).at(line_place(statement.line)));
  auto flow = std::visit([this](const auto& node) { return run_node(node); }, statement.node);
  if (flow.ok() || !flow.error().where.empty()) return flow;
  return std::move(flow).at(line_place(statement.line));
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Output& node) {
  LATHE_CHECK(write(node.text));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Print& node) {
  LATHE_TRY(const Value value, evaluate(*node.value));
  if (const std::string* text = value.string()) {
    LATHE_CHECK(write(*text));
    return Flow::next;
  }
  LATHE_TRY(const std::string text, to_text(budget_, value));
  LATHE_CHECK(write(text));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::If& node) {
  for (const auto& branch : node.branches) {
    LATHE_TRY(const Value condition, evaluate(*branch.condition));
    if (truth(condition)) return run(branch.body);
  }
  return run(node.otherwise);
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Set& node) {
  LATHE_TRY(Value value, evaluate(*node.value));
  LATHE_CHECK(assign(node.target, std::move(value)));
  return Flow::next;
}

Result<Interpreter::Captured> Interpreter::capture(const ast::Block& block) {
  const InnerScope scope(*this);
  Capture captured(*this);
  LATHE_TRY(const Flow flow, run(block));
  std::string text = captured.take();
  LATHE_CHECK(budget_.spend_bytes(text.size()));
  return Captured{std::move(text), flow};
}

Result<Value> Interpreter::filter_text(const ast::ExpressionPointer& filter, std::string text) {
  if (!filter) return Value(std::move(text));
  const std::string* outer = std::exchange(filtered_text_, &text);
  auto result = evaluate(*filter);
  filtered_text_ = outer;
  return result;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::SetBlock& node) {
  LATHE_TRY(Captured captured, capture(node.body));
  if (captured.flow != Flow::next) return captured.flow;
  LATHE_TRY(Value value, filter_text(node.filter, std::move(captured.text)));
  LATHE_CHECK(assign(node.target, std::move(value)));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::FilterBlock& node) {
  LATHE_TRY(Captured captured, capture(node.body));
  if (captured.flow != Flow::next) return captured.flow;
  LATHE_TRY(const Value value, filter_text(node.filter, std::move(captured.text)));
  LATHE_TRY(const std::string shown, to_text(budget_, value));
  LATHE_CHECK(write(shown));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::With& node) {
  std::vector<Value> values;
  for (const auto& [target, expression] : node.values) {
    LATHE_TRY(Value value, evaluate(*expression));
    values.push_back(std::move(value));
  }
  const InnerScope scope(*this);
  for (std::size_t i = 0; i < values.size(); ++i)
    LATHE_CHECK(assign(node.values[i].first, std::move(values[i])));
  return run(node.body);
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Generation& node) {
  const InnerScope scope(*this);
  const std::size_t begin = out_->size();
  LATHE_TRY(const Flow flow, run(node.body));
  if (out_ == &rendered_.text) {
    rendered_.generations.push_back({begin, out_->size()});
  } else {
    rendered_.generation_lost = true;
  }
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Break&) { return Flow::stop_loop; }
Result<Interpreter::Flow> Interpreter::run_node(const ast::Continue&) { return Flow::next_turn; }

void Interpreter::set_variable(std::string_view name, Value value) {
  for (auto& [key, old] : scope_->variables)
    if (key == name) {
      old = std::move(value);
      return;
    }
  scope_->variables.emplace_back(name, std::move(value));
}

Status Interpreter::assign(const ast::Target& target, Value value) {
  if (target.kind == ast::Target::Kind::name) {
    set_variable(target.name, std::move(value));
    return {};
  }
  if (target.kind == ast::Target::Kind::member) {
    LATHE_TRY(const Value owner, look_up(target.name));
    if (!owner.name_space())
      return Error::bad_input(fmt::format("'{}' is not a namespace, so '{}.{}' cannot be set",
                                          target.name, target.name, target.member))
          .fix_with(fmt::format("make it one: {{% set {} = namespace() %}}", target.name));
    if (target.member.starts_with('_')) return underscored(target.member);
    owner.name_space()->set(target.member, std::move(value));
    return {};
  }
  LATHE_TRY(const SequencePointer items, items_of(budget_, value));
  if (items->items.size() != target.parts.size())
    return Error::bad_input(fmt::format("{} values cannot be assigned to {} names",
                                        items->items.size(), target.parts.size()));
  for (std::size_t i = 0; i < target.parts.size(); ++i)
    LATHE_CHECK(assign(target.parts[i], items->items[i]));
  return {};
}

}  // namespace lathe::text::jinja
