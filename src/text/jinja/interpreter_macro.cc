#include <fmt/format.h>

#include <algorithm>

#include "text/jinja/interpreter.h"
#include "text/jinja/interpreter_scope.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {
namespace {

bool has_parameter(const ast::Routine& routine, std::string_view name) {
  return std::any_of(routine.parameters.begin(), routine.parameters.end(),
                     [&](const auto& parameter) { return parameter.name == name; });
}

MacroFacts facts_of(const ast::Routine& routine) {
  MacroFacts facts;
  for (const auto& parameter : routine.parameters) facts.parameters.push_back(parameter.name);
  facts.reads_varargs = routine.reads_varargs;
  facts.reads_kwargs = routine.reads_kwargs;
  facts.reads_caller = routine.reads_caller;
  facts.anonymous = routine.of_call_block;
  return facts;
}

}  // namespace

Interpreter::ScopePointer Interpreter::keep_scopes() {
  if (!scope_->kept) {
    scope_->kept = true;
    kept_scopes_.push_back(scope_);
  }
  return scope_;
}

Value Interpreter::make_callable(const ast::Routine& routine) {
  auto callable = std::make_shared<Callable>();
  callable->name = routine.name;
  callable->macro = facts_of(routine);
  callable->call = [&routine, scope = keep_scopes()](Interpreter& interpreter,
                                                     const Arguments& arguments) {
    return interpreter.call_routine(routine, scope, arguments);
  };
  return Value(CallablePointer(std::move(callable)));
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::Macro& node) {
  set_variable(node.routine.name, make_callable(node.routine));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_node(const ast::CallBlock& node) {
  const auto& call_node = std::get<ast::Call>(node.call->node);
  LATHE_TRY(const Value callee, evaluate(*call_node.callee));
  LATHE_TRY(Arguments arguments, evaluate_arguments(call_node.arguments));
  // After the named arguments that stand there, before those of **.
  const auto written = static_cast<std::ptrdiff_t>(call_node.arguments.named.size());
  arguments.named.emplace(arguments.named.begin() + written, "caller", make_callable(node.caller));
  LATHE_TRY(const Value result, call(callee, arguments));
  LATHE_TRY(const std::string text, to_text(budget_, result));
  LATHE_CHECK(write(text));
  return Flow::next;
}

Result<Value> Interpreter::call_routine(const ast::Routine& routine, const ScopePointer& defined_in,
                                        const Arguments& arguments) {
  LATHE_CHECK(budget_.enter());
  const LevelGuard level(budget_);
  const InnerScope scope(*this, defined_in);
  LATHE_CHECK(bind_special_names(routine, arguments));
  LATHE_CHECK(bind_parameters(routine, arguments));
  Capture captured(*this);
  LATHE_TRY([[maybe_unused]] const Flow flow, run(routine.body));
  return Value(captured.take());
}

Status Interpreter::bind_parameters(const ast::Routine& routine, const Arguments& arguments) {
  for (std::size_t i = 0; i < routine.parameters.size(); ++i) {
    const auto& parameter = routine.parameters[i];
    const Value* named = arguments.find_named(parameter.name);
    const bool positional = i < arguments.positional.size();
    if (named && positional)
      return Error::bad_input(
          fmt::format("macro '{}' was given '{}' twice", routine.name, parameter.name));
    if (positional) {
      set_variable(parameter.name, arguments.positional[i]);
    } else if (named) {
      set_variable(parameter.name, *named);
    } else if (parameter.fallback) {
      LATHE_TRY(Value fallback, evaluate(*parameter.fallback));
      set_variable(parameter.name, std::move(fallback));
    } else {
      set_variable(parameter.name, Value::undefined(fmt::format("parameter '{}' was not provided",
                                                                parameter.name)));
    }
  }
  return {};
}

// caller, varargs and kwargs: arguments without a parameter go there if the body reads them.
Status Interpreter::bind_special_names(const ast::Routine& routine, const Arguments& arguments) {
  const std::size_t count = routine.parameters.size();
  if (arguments.positional.size() > count && !routine.reads_varargs)
    return Error::bad_input(
        fmt::format("macro '{}' takes not more than {} arguments, {} were given", routine.name,
                    count, arguments.positional.size()));
  auto others = std::make_shared<Mapping>();
  for (const auto& [name, value] : arguments.named) {
    if (has_parameter(routine, name)) continue;
    if (name == "caller" && routine.reads_caller) continue;
    if (!routine.reads_kwargs)
      return Error::bad_input(fmt::format("macro '{}' takes no argument '{}'", routine.name, name));
    LATHE_CHECK(others->set(Value(name), value));
  }
  if (routine.reads_caller && !has_parameter(routine, "caller")) {
    const Value* caller = arguments.find_named("caller");
    set_variable("caller", caller ? *caller : Value::undefined("there is no caller"));
  }
  if (routine.reads_kwargs) set_variable("kwargs", Value(MappingPointer(std::move(others))));
  if (!routine.reads_varargs) return {};
  const auto& given = arguments.positional;
  const auto first = given.begin() + static_cast<std::ptrdiff_t>(std::min(count, given.size()));
  set_variable("varargs", Value::tuple(std::vector<Value>(first, given.end())));
  return {};
}

}  // namespace lathe::text::jinja
