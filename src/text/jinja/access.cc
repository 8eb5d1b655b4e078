#include "text/jinja/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "text/jinja/globals.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/loop.h"
#include "text/jinja/markup.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

std::string describe(const Value& value) {
  if (value.is(Kind::none)) return "None";
  return fmt::format("{} object", value.type_name());
}

Value missing_attribute(const Value& object, std::string_view name) {
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", describe(object), name));
}

std::optional<Value> callable_attribute(const Callable& callable, std::string_view name) {
  if (!callable.macro) {
    const bool of_dict = callable.name == "dict" && name == "fromkeys";
    return of_dict ? std::optional(dict_fromkeys()) : std::nullopt;
  }
  const MacroFacts& facts = *callable.macro;
  if (name == "name") return facts.anonymous ? Value() : Value(callable.name);
  if (name == "caller") return Value(facts.reads_caller);
  if (name == "catch_kwargs") return Value(facts.reads_kwargs);
  if (name == "catch_varargs") return Value(facts.reads_varargs);
  if (name != "arguments") return std::nullopt;
  std::vector<Value> parameters;
  for (const std::string& parameter : facts.parameters) parameters.emplace_back(parameter);
  return Value::tuple(std::move(parameters));
}

// What Python's getattr would find: a method, a loop's attribute, a namespace's member.
Result<std::optional<Value>> find_attribute(const Value& object, std::string_view name) {
  if (Loop* loop = object.loop()) {
    LATHE_TRY(std::optional<Value> found, loop->attribute(name));
    if (found) return found;
  }
  if (const Namespace* name_space = object.name_space()) {
    const Value* found = name_space->find(name);
    return found ? std::optional(*found) : std::nullopt;
  }
  if (const Callable* callable = object.callable()) return callable_attribute(*callable, name);
  if (const Sequence* pair = object.sequence(); pair && pair->is_group) {
    if (name == "grouper") return std::optional(pair->items[0]);
    if (name == "list") return std::optional(pair->items[1]);
  }
  if (changes_its_object(object, name))
    return std::optional(Value::undefined(
        fmt::format("access to '{}' of a '{}' is refused: a template may not change its values",
                    name, object.type_name())));
  return find_method(object, name);
}

// What every Python object has: the sandbox shows it to no template, not even where a mapping has
// a member of that name.
bool is_internal(std::string_view name) {
  constexpr std::array<std::string_view, 20> kNames = {
      "__class__",   "__delattr__",      "__dir__", "__doc__",  "__eq__",     "__format__",
      "__ge__",      "__getattribute__", "__gt__",  "__hash__", "__init__",   "__init_subclass__",
      "__le__",      "__lt__",           "__ne__",  "__new__",  "__reduce__", "__repr__",
      "__setattr__", "__str__"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<Value> element_at(const Value& object, std::int64_t index) {
  if (const Sequence* sequence = object.sequence(); sequence && sequence->can_index()) {
    const auto size = static_cast<std::int64_t>(sequence->items.size());
    if (index < 0) index += size;
    if (index < 0 || index >= size) return std::nullopt;
    return sequence->items[static_cast<std::size_t>(index)];
  }
  if (const std::string* text = object.string()) {
    if (index < 0) index += static_cast<std::int64_t>(count_code_points(*text));
    if (index < 0) return std::nullopt;
    const std::size_t begin = byte_of_code_point(*text, static_cast<std::size_t>(index));
    if (begin >= text->size()) return std::nullopt;
    return marked_like(object, text->substr(begin, decode_at(*text, begin).size));
  }
  return std::nullopt;
}

// Python's slice.indices(size): the first index, and how many there are.
struct Range {
  std::int64_t start;
  std::int64_t stop;
  std::int64_t step;
  std::size_t count;
};

Result<std::optional<std::int64_t>> bound_value(const Value& bound) {
  if (bound.is(Kind::none)) return std::optional<std::int64_t>();
  if (const auto number = bound.as_integer()) return number;
  return misuse(bound, "an integer, as slices need them");
}

Result<Range> resolve(const SliceBounds& bounds, std::int64_t size) {
  LATHE_TRY(const auto given_start, bound_value(bounds.start));
  LATHE_TRY(const auto given_stop, bound_value(bounds.stop));
  LATHE_TRY(const auto given_step, bound_value(bounds.step));
  const std::int64_t step = std::clamp<std::int64_t>(given_step.value_or(1), -INT64_MAX, INT64_MAX);
  if (step == 0) return Error::bad_input("a slice has a step of zero");
  const std::int64_t lowest = step > 0 ? 0 : -1;
  const std::int64_t highest = step > 0 ? size : size - 1;
  const auto place = [&](std::optional<std::int64_t> bound, std::int64_t fallback) {
    if (!bound) return fallback;
    return std::clamp(*bound < 0 ? *bound + size : *bound, lowest, highest);
  };
  const std::int64_t start = place(given_start, step > 0 ? lowest : highest);
  const std::int64_t stop = place(given_stop, step > 0 ? highest : lowest);
  std::int64_t count = 0;
  if (step > 0 && start < stop) count = (stop - start - 1) / step + 1;
  if (step < 0 && stop < start) count = (start - stop - 1) / -step + 1;
  return Range{start, stop, step, static_cast<std::size_t>(count)};
}

std::string slice_string(const std::string& text, const Range& range) {
  if (range.count == 0) return {};
  if (range.step == 1) {
    const std::size_t begin = byte_of_code_point(text, static_cast<std::size_t>(range.start));
    const std::string_view rest = std::string_view(text).substr(begin);
    return std::string(rest.substr(0, byte_of_code_point(rest, range.count)));
  }
  const auto parts = split_code_points(text);
  std::string result;
  std::int64_t at = range.start;
  for (std::size_t i = 0; i < range.count; ++i) {
    result += parts[static_cast<std::size_t>(at)];
    if (i + 1 < range.count) at += range.step;
  }
  return result;
}

Value slice_sequence(const Sequence& sequence, const Range& range) {
  std::vector<Value> items;
  items.reserve(range.count);
  std::int64_t at = range.start;
  for (std::size_t i = 0; i < range.count; ++i) {
    items.push_back(sequence.items[static_cast<std::size_t>(at)]);
    if (i + 1 < range.count) at += range.step;
  }
  if (!sequence.range) return make_sequence(sequence.type, std::move(items));
  // Of bounds near 2^63 what is shown wraps; the items do not.
  const auto unsign = [](std::int64_t number) { return static_cast<std::uint64_t>(number); };
  const RangeBounds& whole = *sequence.range;
  const auto bound = [&](std::int64_t index) {
    return static_cast<std::int64_t>(unsign(whole.start) + unsign(index) * unsign(whole.step));
  };
  const auto step = static_cast<std::int64_t>(unsign(whole.step) * unsign(range.step));
  return make_range({bound(range.start), bound(range.stop), step}, std::move(items));
}

// "a.0.b" is a, then element 0, then b.
std::vector<Value> path_steps(std::string_view path) {
  std::vector<Value> steps;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    std::int64_t index = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = !part.empty() && part[0] != '-' && parsed.ec == std::errc() &&
                          parsed.ptr == part.data() + part.size();
    steps.push_back(is_index ? Value(index) : Value(part));
    if (dot == std::string_view::npos) return steps;
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

Result<Value> get_attribute(Interpreter&, const Value& object, std::string_view name) {
  if (is_internal(name))
    return Value::undefined(
        fmt::format("access to attribute '{}' of {} is unsafe", name, describe(object)));
  if (object.is(Kind::undefined)) return misuse(object, "");
  LATHE_TRY(std::optional<Value> found, find_attribute(object, name));
  if (found) return std::move(*found);
  if (const Mapping* mapping = object.mapping())
    if (const Value* member = mapping->find(name)) return *member;
  return missing_attribute(object, name);
}

Result<Value> get_item(Interpreter& interpreter, const Value& object, const Value& key) {
  if (object.is(Kind::undefined)) return misuse(object, "");
  if (const Mapping* mapping = object.mapping()) {
    if (const Value* member = mapping->find(key)) return *member;
  } else if (const auto index = key.as_integer()) {
    LATHE_CHECK(interpreter.budget().spend_bytes(object.string() ? object.string()->size() : 0));
    if (auto element = element_at(object, *index)) return std::move(*element);
  }
  if (const std::string* name = key.string()) {
    LATHE_TRY(std::optional<Value> found, find_attribute(object, *name));
    return found ? std::move(*found) : missing_attribute(object, *name);
  }
  LATHE_TRY(const std::string shown, to_repr(interpreter.budget(), key));
  return Value::undefined(fmt::format("{} has no element {}", describe(object), shown));
}

Result<Value> get_slice(Interpreter& interpreter, const Value& object, const SliceBounds& bounds) {
  if (object.is(Kind::undefined)) return misuse(object, "");
  const Sequence* sequence = object.sequence();
  if (!object.is(Kind::string) && !(sequence && sequence->can_index()))
    return misuse(object, "subscriptable");
  LATHE_TRY(const std::int64_t size, length_of(object));
  LATHE_TRY(const Range range, resolve(bounds, size));
  LATHE_CHECK(interpreter.budget().spend(static_cast<std::uint64_t>(size) / 16));
  if (!sequence) return marked_like(object, slice_string(*object.string(), range));
  return slice_sequence(*sequence, range);
}

Result<Value> get_path(Interpreter& interpreter, const Value& object, const Value& path,
                       const Value* fallback) {
  if (path.is(Kind::none)) return object;
  std::vector<Value> steps;
  if (const std::string* text = path.string()) {
    steps = path_steps(*text);
  } else {
    steps.push_back(path);
  }
  Value at = object;
  for (const Value& step : steps) {
    LATHE_TRY(at, get_item(interpreter, at, step));
    if (fallback && at.is(Kind::undefined)) at = *fallback;
  }
  return at;
}

}  // namespace lathe::text::jinja
