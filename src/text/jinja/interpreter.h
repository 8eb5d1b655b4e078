// Walks a syntax tree and writes the text: one Interpreter renders one template once.
//
// Everything a render may do is counted by its Budget. The interpreter owns what can change during
// a render (namespaces, loops, scopes that macros hold on to), so values that point there are never
// left dangling and circles among them are taken apart at its end. Not thread-safe; the tree it
// walks may be shared.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/ast.h"
#include "text/jinja/limits.h"
#include "text/jinja/loop.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

struct RenderInput {
  Variables variables;            // what the template can name, besides the built-in functions
  std::int64_t now_unix_seconds;  // for strftime_now
  Limits limits;
};

struct Rendered {
  struct Span {
    std::size_t begin;
    std::size_t end;
  };
  std::string text;
  std::vector<Span> generations;  // bytes of text that {% generation %} blocks wrote
  // A generation block wrote into a macro or a set block, where its place in the text is unknown.
  bool generation_lost = false;
};

class Interpreter {
 public:
  // `input` must outlive the interpreter.
  explicit Interpreter(const RenderInput& input);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // REQUIRES: called once; the tree outlives the interpreter.
  Result<Rendered> render(const ast::Block& block);

  // For the built-in functions.
  Budget& budget() { return budget_; }
  std::int64_t now_unix_seconds() const { return input_.now_unix_seconds; }
  Namespace* make_namespace();
  Result<Value> call(const Value& callee, const Arguments& arguments);

 private:
  struct Scope {
    std::shared_ptr<Scope> parent;
    std::vector<std::pair<std::string_view, Value>> variables;  // names are of the tree
    bool kept = false;                                          // by a macro
  };
  using ScopePointer = std::shared_ptr<Scope>;
  enum class Flow { next, stop_loop, next_turn };
  class InnerScope;  // opens a scope and closes it at its end
  class Capture;     // sends the output to a string of its own

  // Expressions (interpreter_expression.cc).
  Result<Value> evaluate(const ast::Expression& expression);
  Result<Value> evaluate_node(const ast::Literal& node);
  Result<Value> evaluate_node(const ast::Name& node);
  Result<Value> evaluate_node(const ast::ListDisplay& node);
  Result<Value> evaluate_node(const ast::DictDisplay& node);
  Result<Value> evaluate_node(const ast::Unary& node);
  Result<Value> evaluate_node(const ast::Binary& node);
  Result<Value> evaluate_node(const ast::Logical& node);
  Result<Value> evaluate_node(const ast::Concat& node);
  Result<Value> evaluate_node(const ast::Compare& node);
  Result<Value> evaluate_node(const ast::Conditional& node);
  Result<Value> evaluate_node(const ast::Attribute& node);
  Result<Value> evaluate_node(const ast::Subscript& node);
  Result<Value> evaluate_node(const ast::Slice& node);
  Result<Value> evaluate_node(const ast::Call& node);
  Result<Value> evaluate_node(const ast::Filter& node);
  Result<Value> evaluate_node(const ast::Test& node);
  // The value, or None for a null pointer.
  Result<Value> evaluate_optional(const ast::ExpressionPointer& expression);
  Result<Arguments> evaluate_arguments(const ast::ArgumentList& list);
  Status add_unpacked(Arguments& arguments, const ast::ArgumentList& list);
  Status charge(const Value& value);

  // Statements (interpreter_statement.cc, interpreter_loop.cc, interpreter_macro.cc).
  Result<Flow> run(const ast::Block& block);
  Result<Flow> run(const ast::Statement& statement);
  Result<Flow> run_node(const ast::Output& node);
  Result<Flow> run_node(const ast::Print& node);
  Result<Flow> run_node(const ast::If& node);
  Result<Flow> run_node(const ast::For& node);
  Result<Flow> run_node(const ast::Set& node);
  Result<Flow> run_node(const ast::SetBlock& node);
  Result<Flow> run_node(const ast::Macro& node);
  Result<Flow> run_node(const ast::CallBlock& node);
  Result<Flow> run_node(const ast::FilterBlock& node);
  Result<Flow> run_node(const ast::With& node);
  Result<Flow> run_node(const ast::Generation& node);
  Result<Flow> run_node(const ast::Break& node);
  Result<Flow> run_node(const ast::Continue& node);

  Result<Flow> run_loop(const ast::For& node, const Value& iterable, int depth0);
  Result<Flow> run_turns(const ast::For& node, Loop& loop);
  Result<bool> loop_accepts(const ast::For& node, const ScopePointer& outside, const Value& item);
  Result<Value> recurse(const ast::For& node, const ScopePointer& outside, const Value& items,
                        int depth0);

  Value make_callable(const ast::Routine& routine);
  Result<Value> call_routine(const ast::Routine& routine, const ScopePointer& defined_in,
                             const Arguments& arguments);
  Status bind_parameters(const ast::Routine& routine, const Arguments& arguments);
  Status bind_special_names(const ast::Routine& routine, const Arguments& arguments);

  struct Captured {
    std::string text;
    Flow flow;  // not `next`: a break or continue left the block early
  };
  // The text a block writes, in a scope of its own.
  Result<Captured> capture(const ast::Block& block);
  // The captured text through the chain of filters (null: as it is).
  Result<Value> filter_text(const ast::ExpressionPointer& filter, std::string text);

  Status write(std::string_view text);
  Result<Value> look_up(const std::string& name);
  Status assign(const ast::Target& target, Value value);
  void set_variable(std::string_view name, Value value);
  // Marks the current scopes as held by a macro.
  ScopePointer keep_scopes();

  const RenderInput& input_;
  Budget budget_;
  ScopePointer scope_;
  std::vector<ScopePointer> kept_scopes_;
  std::deque<Namespace> namespaces_;
  std::deque<Loop> loops_;
  Rendered rendered_;
  std::string* out_ = &rendered_.text;
  const std::string* filtered_text_ = nullptr;  // the input of a filter block's first filter
};

}  // namespace lathe::text::jinja
