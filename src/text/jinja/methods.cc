#include "text/jinja/methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja/interpreter.h"
#include "text/jinja/loop.h"
#include "text/jinja/markup.h"

namespace lathe::text::jinja {
namespace {

// ---- lists and tuples

Result<Value> sequence_index(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("index", given, {"value"}, 1));
  const auto& items = self.sequence()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    LATHE_TRY(const bool same, equal(interpreter.budget(), items[i], *bound[0]));
    if (same) return Value(i);
  }
  return Error::bad_input("index: the value is not in the list");
}

Result<Value> sequence_count(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("count", given, {"value"}, 1));
  std::int64_t count = 0;
  for (const Value& item : self.sequence()->items) {
    LATHE_TRY(const bool same, equal(interpreter.budget(), item, *bound[0]));
    if (same) ++count;
  }
  return Value(count);
}

Result<Value> copy(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("copy", given, {}));
  return self;  // values do not change, so a copy is the value itself
}

// ---- mappings

Result<Value> mapping_get(Interpreter&, const Value& self, const Arguments& given) {
  if (!given.named.empty()) return Error::bad_input("get takes no named arguments");
  LATHE_TRY(const Bound bound, Bound::bind("get", given, {"key", "default"}, 1));
  if (bound[0]->is(Kind::mapping) || bound[0]->is(Kind::sequence))
    LATHE_CHECK(Mapping().set(*bound[0], Value()));  // a key must be hashable
  if (const Value* found = self.mapping()->find(*bound[0])) return *found;
  return bound[1] ? *bound[1] : Value();
}

template <SequenceType View>
Result<Value> mapping_view(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("a view of a dict", given, {}));
  std::vector<Value> items;
  items.reserve(self.mapping()->size());
  for (const auto& [key, value] : self.mapping()->entries()) {
    if constexpr (View == SequenceType::dict_keys) items.push_back(key);
    if constexpr (View == SequenceType::dict_values) items.push_back(value);
    if constexpr (View == SequenceType::dict_items) items.push_back(Value::tuple({key, value}));
  }
  return Value(make_sequence(View, std::move(items)));
}

// ---- loops

Result<Value> loop_cycle(Interpreter&, const Value& self, const Arguments& given) {
  if (given.positional.empty() || !given.named.empty())
    return Error::bad_input("loop.cycle needs the values to go through");
  return given.positional[self.loop()->index0 % given.positional.size()];
}

Result<Value> loop_changed(Interpreter& interpreter, const Value& self, const Arguments& given) {
  Loop& loop = *self.loop();
  Value now = Value::tuple(given.positional);
  bool same = false;
  if (loop.changed_values) {
    LATHE_TRY(same, equal(interpreter.budget(), *loop.changed_values, now));
  }
  loop.changed_values = std::move(now);
  return Value(!same);
}

constexpr std::array kSequenceMethods = {
    NamedMethod{"index", sequence_index},
    NamedMethod{"count", sequence_count},
};
constexpr std::array kMappingMethods = {
    NamedMethod{"get", mapping_get},
    NamedMethod{"keys", mapping_view<SequenceType::dict_keys>},
    NamedMethod{"values", mapping_view<SequenceType::dict_values>},
    NamedMethod{"items", mapping_view<SequenceType::dict_items>},
    NamedMethod{"copy", copy},
};
constexpr std::array kListMethods = {NamedMethod{"copy", copy}};
constexpr std::array kLoopMethods = {
    NamedMethod{"cycle", loop_cycle},
    NamedMethod{"changed", loop_changed},
};

MethodFunction find_in(std::span<const NamedMethod> table, std::string_view name) {
  for (const NamedMethod& method : table)
    if (method.name == name) return method.function;
  return nullptr;
}

MethodFunction find_function(const Value& self, std::string_view name) {
  if (self.is(Kind::string)) {
    const MethodFunction found = find_in(string_methods(), name);
    return found ? found : find_in(string_find_methods(), name);
  }
  if (self.is(Kind::mapping)) return find_in(kMappingMethods, name);
  if (self.is(Kind::loop)) return find_in(kLoopMethods, name);
  const Sequence* sequence = self.sequence();
  if (!sequence || !sequence->can_index()) return nullptr;
  const MethodFunction found = find_in(kSequenceMethods, name);
  return found || sequence->type != SequenceType::list ? found : find_in(kListMethods, name);
}

}  // namespace

std::optional<Value> find_method(const Value& self, std::string_view name) {
  const MethodFunction function = find_function(self, name);
  if (!function) return std::nullopt;
  auto callable = std::make_shared<Callable>();
  callable->name = name;
  callable->call = [function, self](Interpreter& interpreter, const Arguments& arguments) {
    auto result = function(interpreter, self, arguments);
    if (!result.ok() || !self.is_markup()) return result;
    return Result<Value>(mark_strings(std::move(result).value()));
  };
  return Value(CallablePointer(std::move(callable)));
}

bool changes_its_object(const Value& self, std::string_view name) {
  constexpr std::array<std::string_view, 8> kOfLists = {"append", "clear",  "extend",  "insert",
                                                        "pop",    "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kOfMappings = {"clear", "pop", "popitem", "setdefault",
                                                           "update"};
  if (self.is(Kind::mapping))
    return std::find(kOfMappings.begin(), kOfMappings.end(), name) != kOfMappings.end();
  const Sequence* sequence = self.sequence();
  return sequence && sequence->type == SequenceType::list &&
         std::find(kOfLists.begin(), kOfLists.end(), name) != kOfLists.end();
}

}  // namespace lathe::text::jinja
