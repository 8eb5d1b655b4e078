#include <fmt/format.h>

#include "text/jinja/access.h"
#include "text/jinja/filters.h"
#include "text/jinja/globals.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/interpreter_scope.h"
#include "text/jinja/lexer.h"
#include "text/jinja/operators.h"
#include "text/jinja/predicates.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {

Result<Value> Interpreter::evaluate(const ast::Expression& expression) {
  LATHE_CHECK(budget_.enter().at(line_place(expression.line)));
  const LevelGuard level(budget_);
  auto value =
      std::visit([this](const auto& node) { return evaluate_node(node); }, expression.node);
  Status charged = value.ok() ? charge(value.value()) : Status();
  if (value.ok() && charged.ok()) return value;
  Error error = value.ok() ? std::move(charged).error() : std::move(value).error();
  if (error.where.empty()) error.where = line_place(expression.line);
  return error;
}

// Every evaluated node costs a step and the size of what it made.
Status Interpreter::charge(const Value& value) {
  LATHE_CHECK(budget_.spend(1));
  if (value.depth() > kMaxValueDepth)
    return Error::limit(fmt::format("lists nest more than {} levels deep", kMaxValueDepth));
  return {};
}

Result<Value> Interpreter::evaluate_optional(const ast::ExpressionPointer& expression) {
  if (!expression) return Value();
  return evaluate(*expression);
}

Result<Value> Interpreter::evaluate_node(const ast::Literal& node) { return node.value; }

Result<Value> Interpreter::evaluate_node(const ast::Name& node) { return look_up(node.name); }

Result<Value> Interpreter::look_up(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get()) {
    LATHE_CHECK(budget_.spend(1));
    for (const auto& [key, value] : scope->variables)
      if (key == name) return value;
  }
  for (const auto& [key, value] : input_.variables)
    if (key == name) return value;
  if (const auto found = find_global(name)) return *found;
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Result<Value> Interpreter::evaluate_node(const ast::ListDisplay& node) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const auto& item : node.items) {
    LATHE_TRY(Value value, evaluate(*item));
    items.push_back(std::move(value));
  }
  LATHE_CHECK(budget_.spend_elements(items.size()));
  return node.is_tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

Result<Value> Interpreter::evaluate_node(const ast::DictDisplay& node) {
  auto mapping = std::make_shared<Mapping>();
  for (const auto& [key, value] : node.entries) {
    LATHE_TRY(Value key_value, evaluate(*key));
    LATHE_TRY(Value member, evaluate(*value));
    LATHE_CHECK(budget_.spend_elements(2));
    LATHE_CHECK(mapping->set(std::move(key_value), std::move(member)));
  }
  return Value(MappingPointer(std::move(mapping)));
}

Result<Value> Interpreter::evaluate_node(const ast::Unary& node) {
  LATHE_TRY(const Value operand, evaluate(*node.operand));
  if (node.op == ast::UnaryOperator::logical_not) return Value(!truth(operand));
  return apply_sign(node.op == ast::UnaryOperator::negative, operand);
}

Result<Value> Interpreter::evaluate_node(const ast::Binary& node) {
  LATHE_TRY(const Value left, evaluate(*node.left));
  LATHE_TRY(const Value right, evaluate(*node.right));
  LATHE_TRY(Value result, apply_binary(budget_, node.op, left, right));
  if (const std::string* text = result.string()) LATHE_CHECK(budget_.spend_bytes(text->size()));
  if (const Sequence* items = result.sequence())
    LATHE_CHECK(budget_.spend_elements(items->items.size()));
  return result;
}

Result<Value> Interpreter::evaluate_node(const ast::Logical& node) {
  LATHE_TRY(Value left, evaluate(*node.left));
  if (truth(left) != node.is_and) return left;
  return evaluate(*node.right);
}

Result<Value> Interpreter::evaluate_node(const ast::Concat& node) {
  std::string text;
  for (const auto& part : node.parts) {
    LATHE_TRY(const Value value, evaluate(*part));
    if (const std::string* string = value.string()) {
      text += *string;
    } else {
      LATHE_TRY(const std::string shown, to_text(budget_, value));
      text += shown;
    }
  }
  LATHE_CHECK(budget_.spend_bytes(text.size()));
  return Value(std::move(text));
}

Result<Value> Interpreter::evaluate_node(const ast::Compare& node) {
  LATHE_TRY(Value left, evaluate(*node.first));
  for (const auto& [op, expression] : node.rest) {
    LATHE_TRY(Value right, evaluate(*expression));
    LATHE_TRY(const bool holds, apply_comparison(budget_, op, left, right));
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Interpreter::evaluate_node(const ast::Conditional& node) {
  LATHE_TRY(const Value condition, evaluate(*node.condition));
  if (truth(condition)) return evaluate(*node.then);
  if (node.otherwise) return evaluate(*node.otherwise);
  return Value::undefined("the value of an 'if' without 'else' is undefined");
}

Result<Value> Interpreter::evaluate_node(const ast::Attribute& node) {
  LATHE_TRY(const Value object, evaluate(*node.object));
  return get_attribute(*this, object, node.name);
}

Result<Value> Interpreter::evaluate_node(const ast::Subscript& node) {
  LATHE_TRY(const Value object, evaluate(*node.object));
  LATHE_TRY(const Value index, evaluate(*node.index));
  return get_item(*this, object, index);
}

Result<Value> Interpreter::evaluate_node(const ast::Slice& node) {
  LATHE_TRY(const Value object, evaluate(*node.object));
  SliceBounds bounds;
  LATHE_TRY(bounds.start, evaluate_optional(node.start));
  LATHE_TRY(bounds.stop, evaluate_optional(node.stop));
  LATHE_TRY(bounds.step, evaluate_optional(node.step));
  LATHE_TRY(Value slice, get_slice(*this, object, bounds));
  if (const Sequence* items = slice.sequence())
    LATHE_CHECK(budget_.spend_elements(items->items.size()));
  return slice;
}

Result<Value> Interpreter::evaluate_node(const ast::Call& node) {
  LATHE_TRY(const Value callee, evaluate(*node.callee));
  LATHE_TRY(const Arguments arguments, evaluate_arguments(node.arguments));
  return call(callee, arguments);
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (const Loop* loop = callee.loop()) {
    if (!loop->recurse) return Error::bad_input("the loop is not recursive");
    if (arguments.positional.size() != 1 || !arguments.named.empty())
      return Error::bad_input("loop() takes one argument");
    return loop->recurse(arguments.positional[0]);
  }
  const Callable* callable = callee.callable();
  if (!callable) return misuse(callee, "callable");
  LATHE_TRY(Value result, callable->call(*this, arguments));
  LATHE_CHECK(budget_.spend_bytes(result.string() ? result.string()->size() : 0));
  LATHE_CHECK(budget_.spend_elements(result.sequence() ? result.sequence()->items.size() : 0));
  return result;
}

Result<Value> Interpreter::evaluate_node(const ast::Filter& node) {
  Value input;
  if (node.input) {
    LATHE_TRY(input, evaluate(*node.input));
  } else {
    input = Value(*filtered_text_);
  }
  LATHE_TRY(const Arguments arguments, evaluate_arguments(node.arguments));
  return apply_filter(*this, node.name, input, arguments);
}

Result<Value> Interpreter::evaluate_node(const ast::Test& node) {
  LATHE_TRY(const Value input, evaluate(*node.input));
  LATHE_TRY(const Arguments arguments, evaluate_arguments(node.arguments));
  LATHE_TRY(const bool holds, apply_test(*this, node.name, input, arguments));
  return Value(holds);
}

Result<Arguments> Interpreter::evaluate_arguments(const ast::ArgumentList& list) {
  Arguments arguments;
  for (const auto& expression : list.positional) {
    LATHE_TRY(Value value, evaluate(*expression));
    arguments.positional.push_back(std::move(value));
  }
  for (const auto& [name, expression] : list.named) {
    LATHE_TRY(Value value, evaluate(*expression));
    arguments.named.emplace_back(name, std::move(value));
  }
  LATHE_CHECK(add_unpacked(arguments, list));
  return arguments;
}

// *positional and **named.
Status Interpreter::add_unpacked(Arguments& arguments, const ast::ArgumentList& list) {
  if (list.more_positional) {
    LATHE_TRY(const Value more, evaluate(*list.more_positional));
    LATHE_TRY(const SequencePointer items, items_of(budget_, more));
    LATHE_CHECK(budget_.spend_elements(items->items.size()));
    for (const Value& item : items->items) arguments.positional.push_back(item);
  }
  if (!list.more_named) return {};
  LATHE_TRY(const Value more, evaluate(*list.more_named));
  const Mapping* mapping = more.mapping();
  if (!mapping) return misuse(more, "a mapping, as ** needs it");
  LATHE_CHECK(budget_.spend_elements(mapping->size()));
  for (const auto& [key, value] : mapping->entries()) {
    const std::string* name = key.string();
    if (!name) return misuse(key, "a string, as argument names are");
    if (arguments.find_named(*name))
      return Error::bad_input(fmt::format("the argument '{}' is given twice", *name));
    arguments.named.emplace_back(*name, value);
  }
  return {};
}

}  // namespace lathe::text::jinja
