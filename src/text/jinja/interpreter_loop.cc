#include <fmt/format.h>

#include "text/jinja/interpreter.h"
#include "text/jinja/interpreter_scope.h"
#include "text/jinja/operators.h"

namespace lathe::text::jinja {

Result<Interpreter::Flow> Interpreter::run_node(const ast::For& node) {
  LATHE_TRY(const Value iterable, evaluate(*node.iterable));
  return run_loop(node, iterable, 0);
}

Result<Interpreter::Flow> Interpreter::run_loop(const ast::For& node, const Value& iterable,
                                                int depth0) {
  LATHE_CHECK(budget_.spend_bytes(sizeof(Loop)));
  Loop& loop = loops_.emplace_back();
  LATHE_TRY(loop.source, items_of(budget_, iterable));
  loop.depth0 = depth0;
  const ScopePointer outside = scope_;
  if (node.condition)
    loop.accepts = [this, &node, outside](const Value& item) {
      return loop_accepts(node, outside, item);
    };
  if (node.recursive)
    loop.recurse = [this, &node, outside, depth0](const Value& items) {
      return recurse(node, outside, items, depth0 + 1);
    };
  auto flow = run_turns(node, loop);
  loop.finish();
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_turns(const ast::For& node, Loop& loop) {
  LATHE_TRY(bool more, loop.has(0));
  bool whole_turn = false;
  while (more) {
    LATHE_CHECK(budget_.spend(1));
    const InnerScope scope(*this);
    LATHE_CHECK(assign(node.target, loop.item(loop.index0)));
    set_variable("loop", Value(&loop));
    LATHE_TRY(const Flow flow, run(node.body));
    if (flow == Flow::next) whole_turn = true;
    if (flow == Flow::stop_loop) break;
    LATHE_TRY(more, loop.has(loop.index0 + 1));
    if (more) ++loop.index0;
  }
  // As Jinja has it: also when no turn reached the end of the body (break, continue).
  if (!whole_turn) return run(node.otherwise);
  return Flow::next;
}

// The loop's own `if`: sees the item's names, and the scope around the loop.
Result<bool> Interpreter::loop_accepts(const ast::For& node, const ScopePointer& outside,
                                       const Value& item) {
  const InnerScope scope(*this, outside);
  LATHE_CHECK(assign(node.target, item));
  LATHE_TRY(const Value verdict, evaluate(*node.condition));
  return truth(verdict);
}

// loop(items) in a recursive loop: the text that the same loop writes for other items.
Result<Value> Interpreter::recurse(const ast::For& node, const ScopePointer& outside,
                                   const Value& items, int depth0) {
  LATHE_CHECK(budget_.enter());
  const LevelGuard level(budget_);
  const InnerScope scope(*this, outside);
  Capture captured(*this);
  LATHE_TRY([[maybe_unused]] const Flow flow, run_loop(node, items, depth0));
  return Value(captured.take());
}

}  // namespace lathe::text::jinja
