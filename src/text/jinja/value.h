// The values of a template: Python's, as far as chat templates see them.
//
// Strings, lists and mappings are shared and immutable once made (the sandbox that chat templates
// are written for forbids changing them), so copying a Value is cheap. What changes during a render
// (namespaces, loops) is owned by the interpreter, and a Value only points at it: such a Value must
// not outlive the render. Literal values are shared between threads; a generator remembers what has
// been taken from it and belongs to one render.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "text/jinja/limits.h"

namespace lathe::text::jinja {

class Value;
class Interpreter;
struct Arguments;
struct Sequence;
class Mapping;
struct Callable;
struct Namespace;
struct Loop;

// A missing variable or attribute. Prints as nothing; most other uses are an error that says `why`.
struct Undefined {
  std::shared_ptr<const std::string> why;
};
struct None {};

// In the order of Value's alternatives.
enum class Kind {
  undefined,
  none,
  boolean,
  integer,
  floating,
  string,
  sequence,
  mapping,
  callable,
  name_space,
  loop,
  large_integer,
};

// An integer of more than 64 bits, as it came in JSON (a schema's "maximum"). It prints as it came
// and equals itself; no filter and no operator takes it.
struct LargeInteger {
  std::shared_ptr<const std::string> digits;  // with a '-' before them
};

struct StringObject {
  std::string text;
  bool markup = false;  // marked as HTML: see markup.h
};

using StringPointer = std::shared_ptr<const StringObject>;
using SequencePointer = std::shared_ptr<const Sequence>;
using MappingPointer = std::shared_ptr<const Mapping>;
using CallablePointer = std::shared_ptr<const Callable>;

class Value {
 public:
  Value() : data_(None{}) {}
  Value(bool value) : data_(value) {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) Value(Integer value)
      : data_(static_cast<std::int64_t>(value)) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : Value(std::move(text), false) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(SequencePointer sequence) : data_(std::move(sequence)) {}
  Value(MappingPointer mapping) : data_(std::move(mapping)) {}
  Value(CallablePointer callable) : data_(std::move(callable)) {}
  Value(Namespace* name_space) : data_(name_space) {}
  Value(Loop* loop) : data_(loop) {}
  // An undefined value; `why` is the sentence of the error that its use gives.
  static Value undefined(std::string why);
  static Value large_integer(std::string digits);
  static Value markup(std::string text) { return Value(std::move(text), true); }
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_number() const;  // integer, floating or boolean
  bool is_markup() const;  // a string that is marked as HTML

  // Null when the value is of another kind.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* floating() const { return std::get_if<double>(&data_); }
  const std::string* string() const;
  const std::string* large_integer() const;  // its digits
  const Sequence* sequence() const;
  const Mapping* mapping() const;
  const Callable* callable() const;
  Namespace* name_space() const;
  Loop* loop() const;
  SequencePointer sequence_pointer() const;

  // An int as Python sees it: integers, and booleans as 0 and 1.
  std::optional<std::int64_t> as_integer() const;
  std::optional<double> as_double() const;
  // Why an undefined value is so; empty for others.
  std::string_view why_undefined() const;

  // Levels of lists and mappings inside, 0 for a scalar. Bounded by kMaxValueDepth (the interpreter
  // refuses deeper ones), so that recursion over a value is safe.
  int depth() const;
  // Python's type name, "str", "dict", "list", …
  std::string_view type_name() const;
  bool same_object(const Value& other) const;  // Python's `is`

 private:
  using Data =
      std::variant<Undefined, None, bool, std::int64_t, double, StringPointer, SequencePointer,
                   MappingPointer, CallablePointer, Namespace*, Loop*, LargeInteger>;
  explicit Value(Undefined undefined) : data_(std::move(undefined)) {}
  explicit Value(LargeInteger integer) : data_(std::move(integer)) {}
  Value(std::string text, bool markup)
      : data_(std::make_shared<const StringObject>(StringObject{std::move(text), markup})) {}

  Data data_;
};

// What Python type a sequence shows itself as.
enum class SequenceType { list, tuple, range, generator, dict_keys, dict_values, dict_items };

struct RangeBounds {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
};

struct Sequence {
  SequenceType type = SequenceType::list;
  std::vector<Value> items;
  int depth = 1;
  // Generators only: how many items have been taken; they are gone.
  mutable std::size_t taken = 0;
  bool is_group = false;  // a pair that groupby made: has .grouper and .list
  // Ranges only: what range() was called with, to be shown.
  std::shared_ptr<const RangeBounds> range = nullptr;

  bool can_index() const {
    return type == SequenceType::list || type == SequenceType::tuple || type == SequenceType::range;
  }
};

SequencePointer make_sequence(SequenceType type, std::vector<Value> items);
SequencePointer make_range(const RangeBounds& bounds, std::vector<Value> items);

// A dict: keys in the order of their first insertion. Lookup of string keys is by hash once there
// are more than a few.
class Mapping {
 public:
  using Entry = std::pair<Value, Value>;

  // Replaces the value of an equal key. Errors: a key that cannot be hashed (list, dict).
  Status set(Value key, Value value);
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  int depth() const { return depth_; }

 private:
  std::optional<std::size_t> position(const Value& key) const;
  std::optional<std::size_t> position(std::string_view key) const;
  void index_last();

  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> index_;  // views into the keys' shared strings
  int depth_ = 1;
};

// What a macro shows of itself: `macro.name`, `macro.arguments`, …
struct MacroFacts {
  std::vector<std::string> parameters;
  bool reads_varargs = false;
  bool reads_kwargs = false;
  bool reads_caller = false;
  bool anonymous = false;  // the body of a call block
};

// A function, a bound method or a macro. `name` is for messages.
struct Callable {
  std::string name;
  std::function<Result<Value>(Interpreter&, const Arguments&)> call;
  std::optional<MacroFacts> macro = std::nullopt;
};

// `namespace(...)`: the one object a template may change. Owned by the interpreter.
struct Namespace {
  std::vector<std::pair<std::string, Value>> members;

  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
};

// Whether Python could hash it: no lists and no mappings, also not inside a tuple.
bool hashable(const Value& value);

// Python's bool(value).
bool truth(const Value& value);

// Python's ==. Errors: limit (huge nested values).
Result<bool> equal(Budget& budget, const Value& left, const Value& right);

// -1, 0 or 1; NaN compares as 1 with everything. Errors: values that Python does not order.
Result<int> compare(Budget& budget, const Value& left, const Value& right);

// "… is undefined" for an undefined value, else Python's TypeError: "'int' object is not …".
Error misuse(const Value& value, std::string_view is_not);

}  // namespace lathe::text::jinja
