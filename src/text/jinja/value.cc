#include "text/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja/loop.h"

namespace lathe::text::jinja {
namespace {

constexpr std::size_t kIndexFrom = 8;  // mappings larger than this have a hash index

template <class Pointer>
auto raw(const Pointer* pointer) -> decltype(pointer->get()) {
  return pointer ? pointer->get() : nullptr;
}

std::string_view sequence_type_name(SequenceType type) {
  switch (type) {
    case SequenceType::list:
      return "list";
    case SequenceType::tuple:
      return "tuple";
    case SequenceType::range:
      return "range";
    case SequenceType::generator:
      return "generator";
    case SequenceType::dict_keys:
      return "dict_keys";
    case SequenceType::dict_values:
      return "dict_values";
    case SequenceType::dict_items:
      return "dict_items";
  }
  return "sequence";
}

// Equality of values that may be keys: no recursion into lists and mappings.
bool equal_keys(const Value& left, const Value& right) {
  if (left.is(Kind::string) || right.is(Kind::string))
    return left.is(Kind::string) && right.is(Kind::string) && *left.string() == *right.string();
  const auto a = left.as_integer();
  const auto b = right.as_integer();
  if (a && b) return *a == *b;
  if (left.is_number() && right.is_number()) return *left.as_double() == *right.as_double();
  Budget budget(Limits{.steps = 10'000});  // tuples of a template: small
  const auto same = equal(budget, left, right);
  return same.ok() && same.value();
}

}  // namespace

bool hashable(const Value& value) {
  if (value.is(Kind::mapping)) return false;
  const Sequence* sequence = value.sequence();
  if (!sequence) return true;
  if (sequence->type == SequenceType::list) return false;
  return std::all_of(sequence->items.begin(), sequence->items.end(), hashable);
}

Value Value::undefined(std::string why) {
  return Value(Undefined{std::make_shared<const std::string>(std::move(why))});
}

Value Value::large_integer(std::string digits) {
  return Value(LargeInteger{std::make_shared<const std::string>(std::move(digits))});
}

Value Value::list(std::vector<Value> items) {
  return make_sequence(SequenceType::list, std::move(items));
}

Value Value::tuple(std::vector<Value> items) {
  return make_sequence(SequenceType::tuple, std::move(items));
}

bool Value::is_number() const {
  return is(Kind::integer) || is(Kind::floating) || is(Kind::boolean);
}

bool Value::is_markup() const {
  const StringObject* object = raw(std::get_if<StringPointer>(&data_));
  return object && object->markup;
}

const std::string* Value::string() const {
  const StringObject* object = raw(std::get_if<StringPointer>(&data_));
  return object ? &object->text : nullptr;
}
const std::string* Value::large_integer() const {
  const auto* found = std::get_if<LargeInteger>(&data_);
  return found ? found->digits.get() : nullptr;
}
const Sequence* Value::sequence() const { return raw(std::get_if<SequencePointer>(&data_)); }
const Mapping* Value::mapping() const { return raw(std::get_if<MappingPointer>(&data_)); }
const Callable* Value::callable() const { return raw(std::get_if<CallablePointer>(&data_)); }

Namespace* Value::name_space() const {
  const auto* found = std::get_if<Namespace*>(&data_);
  return found ? *found : nullptr;
}

Loop* Value::loop() const {
  const auto* found = std::get_if<Loop*>(&data_);
  return found ? *found : nullptr;
}

SequencePointer Value::sequence_pointer() const {
  const auto* found = std::get_if<SequencePointer>(&data_);
  return found ? *found : nullptr;
}

std::optional<std::int64_t> Value::as_integer() const {
  if (const auto* value = integer()) return *value;
  if (const auto* value = boolean()) return *value ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::as_double() const {
  if (const auto* value = floating()) return *value;
  if (const auto value = as_integer()) return static_cast<double>(*value);
  return std::nullopt;
}

std::string_view Value::why_undefined() const {
  const auto* found = std::get_if<Undefined>(&data_);
  return found && found->why ? std::string_view(*found->why) : std::string_view();
}

int Value::depth() const {
  if (const Sequence* items = sequence()) return items->depth;
  if (const Mapping* entries = mapping()) return entries->depth();
  return 0;
}

std::string_view Value::type_name() const {
  switch (kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
    case Kind::large_integer:
      return "int";
    case Kind::floating:
      return "float";
    case Kind::string:
      return "str";
    case Kind::sequence:
      return sequence_type_name(sequence()->type);
    case Kind::mapping:
      return "dict";
    case Kind::callable:
      return "function";
    case Kind::name_space:
      return "Namespace";
    case Kind::loop:
      return "LoopContext";
  }
  return "object";
}

bool Value::same_object(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::none:
      return true;
    case Kind::boolean:
      return *boolean() == *other.boolean();
    case Kind::integer:
      return *integer() == *other.integer();
    case Kind::floating:
      return *floating() == *other.floating();
    case Kind::string:
      return string() == other.string() || *string() == *other.string();
    case Kind::sequence:
      return sequence() == other.sequence();
    case Kind::mapping:
      return mapping() == other.mapping();
    case Kind::callable:
      return callable() == other.callable();
    case Kind::name_space:
      return name_space() == other.name_space();
    case Kind::loop:
      return loop() == other.loop();
    case Kind::large_integer:
      return *large_integer() == *other.large_integer();
    case Kind::undefined:
      return why_undefined() == other.why_undefined();
  }
  return false;
}

SequencePointer make_sequence(SequenceType type, std::vector<Value> items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  auto made = std::make_shared<Sequence>();
  made->type = type;
  made->items = std::move(items);
  made->depth = deepest + 1;
  return made;
}

SequencePointer make_range(const RangeBounds& bounds, std::vector<Value> items) {
  auto made = std::make_shared<Sequence>();
  made->type = SequenceType::range;
  made->items = std::move(items);
  made->range = std::make_shared<const RangeBounds>(bounds);
  return made;
}

Status Mapping::set(Value key, Value value) {
  if (!hashable(key))
    return Error::bad_input(fmt::format("unhashable type: '{}'", key.type_name()))
        .fix_with("use a string as the key");
  depth_ = std::max({depth_, value.depth() + 1, key.depth() + 1});
  if (const auto found = position(key)) {
    entries_[*found].second = std::move(value);
    return {};
  }
  entries_.emplace_back(std::move(key), std::move(value));
  index_last();
  return {};
}

void Mapping::index_last() {
  if (entries_.size() <= kIndexFrom) return;
  const std::size_t from = index_.empty() ? 0 : entries_.size() - 1;
  for (std::size_t i = from; i < entries_.size(); ++i)
    if (const std::string* text = entries_[i].first.string()) index_.emplace(*text, i);
}

std::optional<std::size_t> Mapping::position(std::string_view key) const {
  if (entries_.size() > kIndexFrom) {
    const auto found = index_.find(key);
    if (found == index_.end()) return std::nullopt;
    return found->second;
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::string* text = entries_[i].first.string();
    if (text && *text == key) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> Mapping::position(const Value& key) const {
  if (const std::string* text = key.string()) return position(std::string_view(*text));
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (equal_keys(entries_[i].first, key)) return i;
  return std::nullopt;
}

const Value* Mapping::find(const Value& key) const {
  const auto found = position(key);
  return found ? &entries_[*found].second : nullptr;
}

const Value* Mapping::find(std::string_view key) const {
  const auto found = position(key);
  return found ? &entries_[*found].second : nullptr;
}

const Value* Namespace::find(std::string_view name) const {
  for (const auto& [key, value] : members)
    if (key == name) return &value;
  return nullptr;
}

void Namespace::set(std::string_view name, Value value) {
  for (auto& [key, old] : members)
    if (key == name) {
      old = std::move(value);
      return;
    }
  members.emplace_back(name, std::move(value));
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
      return *value.boolean();
    case Kind::integer:
      return *value.integer() != 0;
    case Kind::floating:
      return *value.floating() != 0;
    case Kind::string:
      return !value.string()->empty();
    case Kind::sequence:
      return value.sequence()->type == SequenceType::generator || !value.sequence()->items.empty();
    case Kind::mapping:
      return value.mapping()->size() != 0;
    case Kind::callable:
    case Kind::name_space:
    case Kind::loop:
    case Kind::large_integer:
      return true;
  }
  return false;
}

Error misuse(const Value& value, std::string_view is_not) {
  if (value.is(Kind::undefined)) return Error::bad_input(std::string(value.why_undefined()));
  return Error::bad_input(fmt::format("'{}' object is not {}", value.type_name(), is_not));
}

}  // namespace lathe::text::jinja
