// Guards of the interpreter's state, for interpreter_*.cc only.
#pragma once

#include <string>
#include <utility>

#include "text/jinja/interpreter.h"

namespace lathe::text::jinja {

// Counts one level of evaluation for as long as it lives. REQUIRES: Budget::enter() succeeded.
class LevelGuard {
 public:
  explicit LevelGuard(Budget& budget) : budget_(budget) {}
  ~LevelGuard() { budget_.leave(); }
  LevelGuard(const LevelGuard&) = delete;

 private:
  Budget& budget_;
};

class Interpreter::InnerScope {
 public:
  // A scope inside `parent`, the current one from now on.
  InnerScope(Interpreter& interpreter, ScopePointer parent)
      : interpreter_(interpreter), outer_(std::move(interpreter.scope_)) {
    interpreter_.scope_ = std::make_shared<Scope>();
    interpreter_.scope_->parent = std::move(parent);
  }
  explicit InnerScope(Interpreter& interpreter) : InnerScope(interpreter, interpreter.scope_) {}
  ~InnerScope() { interpreter_.scope_ = std::move(outer_); }
  InnerScope(const InnerScope&) = delete;

 private:
  Interpreter& interpreter_;
  ScopePointer outer_;
};

class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter)
      : interpreter_(interpreter), outer_(std::exchange(interpreter.out_, &text_)) {}
  ~Capture() { interpreter_.out_ = outer_; }
  Capture(const Capture&) = delete;
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  Interpreter& interpreter_;
  std::string* outer_;
};

}  // namespace lathe::text::jinja
