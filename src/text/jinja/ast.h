// The syntax tree of a template: expressions and statements as plain structs. Immutable after
// parsing, so threads may share it. Depth is bounded by kMaxSyntaxDepth.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/value.h"

namespace lathe::text::jinja::ast {

struct Expression;
struct Statement;
using ExpressionPointer = std::unique_ptr<const Expression>;
using Block = std::vector<Statement>;

// ---- expressions

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct ListDisplay {  // [a, b] or (a, b)
  bool is_tuple;
  std::vector<ExpressionPointer> items;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> entries;
};
enum class UnaryOperator { negative, positive, logical_not };
struct Unary {
  UnaryOperator op;
  ExpressionPointer operand;
};
enum class BinaryOperator { add, subtract, multiply, divide, floor_divide, modulo, power };
struct Binary {
  BinaryOperator op;
  ExpressionPointer left;
  ExpressionPointer right;
};
struct Logical {  // and, or: the value of one operand
  bool is_and;
  ExpressionPointer left;
  ExpressionPointer right;
};
struct Concat {  // a ~ b ~ c
  std::vector<ExpressionPointer> parts;
};
enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };
struct Compare {  // a < b <= c
  ExpressionPointer first;
  std::vector<std::pair<Comparison, ExpressionPointer>> rest;
};
struct Conditional {  // then if condition else otherwise
  ExpressionPointer condition;
  ExpressionPointer then;
  ExpressionPointer otherwise;  // may be null
};
struct Attribute {
  ExpressionPointer object;
  std::string name;
};
struct Subscript {
  ExpressionPointer object;
  ExpressionPointer index;
};
struct Slice {  // object[start:stop:step]; each bound may be null
  ExpressionPointer object;
  ExpressionPointer start;
  ExpressionPointer stop;
  ExpressionPointer step;
};
struct ArgumentList {
  std::vector<ExpressionPointer> positional;
  std::vector<std::pair<std::string, ExpressionPointer>> named;
  ExpressionPointer more_positional;  // *expression, may be null
  ExpressionPointer more_named;       // **expression, may be null
};
struct Call {
  ExpressionPointer callee;
  ArgumentList arguments;
};
struct Filter {
  ExpressionPointer input;  // null: the text of the enclosing filter or set block
  std::string name;
  ArgumentList arguments;
};
struct Test {
  ExpressionPointer input;
  std::string name;
  ArgumentList arguments;
};

struct Expression {
  using Node = std::variant<Literal, Name, ListDisplay, DictDisplay, Unary, Binary, Logical, Concat,
                            Compare, Conditional, Attribute, Subscript, Slice, Call, Filter, Test>;
  Node node;
  int line;
  int depth;  // levels of expressions inside, itself included
};

inline int depth_of(const ExpressionPointer& expression) {
  return expression ? expression->depth : 0;
}

// ---- statements

// What `set` and `for` assign to.
struct Target {
  enum class Kind { name, member, tuple };
  Kind kind;
  std::string name;  // of the variable, or of the namespace for `member`
  std::string member;
  std::vector<Target> parts;
};

struct Output {  // text between tags
  std::string text;
};
struct Print {  // {{ expression }}
  ExpressionPointer value;
};
struct If {
  struct Branch {
    ExpressionPointer condition;
    Block body;
  };
  std::vector<Branch> branches;
  Block otherwise;
};
struct For {
  Target target;
  ExpressionPointer iterable;
  ExpressionPointer condition;  // may be null
  bool recursive;
  Block body;
  Block otherwise;
};
struct Set {
  Target target;
  ExpressionPointer value;
};
struct SetBlock {
  Target target;
  ExpressionPointer filter;  // may be null
  Block body;
};
// The parameters and body of a macro or of a call block.
struct Routine {
  struct Parameter {
    std::string name;
    ExpressionPointer fallback;  // may be null
  };
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  // Which of the special names the body reads: extra arguments are an error without them.
  bool reads_varargs = false;
  bool reads_kwargs = false;
  bool reads_caller = false;
  bool of_call_block = false;  // not of a macro: it has no name
};
struct Macro {
  Routine routine;
};
struct CallBlock {
  Routine caller;
  ExpressionPointer call;  // an ast::Call
};
struct FilterBlock {
  ExpressionPointer filter;
  Block body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPointer>> values;
  Block body;
};
struct Generation {  // what the assistant writes, in templates that mark it
  Block body;
};
struct Break {};
struct Continue {};

struct Statement {
  using Node = std::variant<Output, Print, If, For, Set, SetBlock, Macro, CallBlock, FilterBlock,
                            With, Generation, Break, Continue>;
  Node node;
  int line;
};

}  // namespace lathe::text::jinja::ast
