#include "text/jinja/globals.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // as Jinja's sandbox has it
constexpr std::size_t kMaxTimeFormat = 1000;

Result<Value> call_range(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("range", given, {"start", "stop", "step"}, 1));
  LATHE_TRY(const std::int64_t first, bound.integer(0, 0));
  LATHE_TRY(const std::int64_t second, bound.integer(1, 0));
  LATHE_TRY(const std::int64_t step, bound.integer(2, 1));
  const std::int64_t start = bound[1] ? first : 0;
  const std::int64_t stop = bound[1] ? second : first;
  if (step == 0) return Error::bad_input("range: the step must not be zero");
  std::vector<Value> items;
  for (std::int64_t at = start; step > 0 ? at < stop : at > stop;) {
    if (static_cast<std::int64_t>(items.size()) >= kMaxRange)
      return Error::limit(fmt::format("range: more than {} numbers", kMaxRange));
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  LATHE_CHECK(interpreter.budget().spend_elements(items.size()));
  return Value(make_range({start, stop, step}, std::move(items)));
}

// The members that dict() and namespace() take: a mapping or pairs, then names.
Result<Mapping> read_members(Interpreter& interpreter, std::string_view function,
                             const Arguments& given) {
  if (given.positional.size() > 1)
    return Error::bad_input(fmt::format("{} takes at most one argument without a name", function));
  Mapping members;
  Budget& budget = interpreter.budget();
  if (!given.positional.empty()) {
    const Value& from = given.positional[0];
    LATHE_TRY(const SequencePointer items, items_of(budget, from));
    for (const Value& item : items->items) {
      LATHE_CHECK(budget.spend_elements(2));
      if (const Mapping* mapping = from.mapping()) {
        LATHE_CHECK(members.set(item, *mapping->find(item)));
        continue;
      }
      LATHE_TRY(const SequencePointer pair, items_of(budget, item));
      if (pair->items.size() != 2)
        return Error::bad_input(fmt::format("{} needs pairs of a key and a value", function));
      LATHE_CHECK(members.set(pair->items[0], pair->items[1]));
    }
  }
  for (const auto& [name, value] : given.named) LATHE_CHECK(members.set(Value(name), value));
  return members;
}

Result<Value> call_dict(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(Mapping members, read_members(interpreter, "dict", given));
  return Value(MappingPointer(std::make_shared<Mapping>(std::move(members))));
}

// {key: value for each key}.
Result<Value> call_fromkeys(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("fromkeys", given, {"iterable", "value"}, 1));
  LATHE_TRY(const SequencePointer keys, items_of(interpreter.budget(), *bound[0]));
  auto members = std::make_shared<Mapping>();
  for (const Value& key : keys->items) {
    LATHE_CHECK(interpreter.budget().spend_elements(2));
    LATHE_CHECK(members->set(key, bound[1] ? *bound[1] : Value()));
  }
  return Value(MappingPointer(std::move(members)));
}

Result<Value> call_namespace(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Mapping members, read_members(interpreter, "namespace", given));
  LATHE_CHECK(interpreter.budget().spend_bytes(sizeof(Namespace)));
  Namespace* made = interpreter.make_namespace();
  for (const auto& [key, value] : members.entries()) {
    const std::string* name = key.string();
    if (!name) return misuse(key, "a string, as the names in a namespace are");
    if (name->starts_with('_')) return underscored(*name);
    made->set(*name, value);
  }
  return Value(made);
}

Result<Value> call_raise(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("raise_exception", given, {"message"}, 1));
  LATHE_TRY(std::string message, to_text(interpreter.budget(), *bound[0]));
  return Error::bad_input("the template refuses: " + message);
}

// In the machine's time zone, as Hugging Face's datetime.now().
Result<Value> call_strftime_now(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("strftime_now", given, {"format"}, 1));
  LATHE_TRY(const std::string_view pattern, bound.string(0, ""));
  if (pattern.size() > kMaxTimeFormat)
    return Error::limit(fmt::format("a time format of more than {} bytes", kMaxTimeFormat));
  const auto now = static_cast<std::time_t>(interpreter.now_unix_seconds());
  std::tm parts{};
  ::tzset();  // localtime_r need not read TZ by itself
  if (!localtime_r(&now, &parts)) return Error::bad_input("the clock is out of range");
  // A mark at the end tells an empty result from one that did not fit.
  const std::string marked = std::string(pattern) + "|";
  std::string text(64 + 128 * marked.size(), '\0');
  const std::size_t size = std::strftime(text.data(), text.size(), marked.c_str(), &parts);
  if (size == 0) return Error::limit("a time format with a huge result");
  text.resize(size - 1);
  return Value(std::move(text));
}

Value bind_state(std::string name, std::function<Result<Value>(const Arguments&)> call) {
  auto callable = std::make_shared<Callable>();
  callable->name = std::move(name);
  callable->call = [call = std::move(call)](Interpreter&, const Arguments& given) {
    return call(given);
  };
  return Value(CallablePointer(std::move(callable)));
}

// joiner(", ") gives a function: nothing when first called, then the separator.
Result<Value> call_joiner(Interpreter& interpreter, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("joiner", given, {"sep"}));
  LATHE_CHECK(interpreter.budget().spend_elements(2));
  const Value separator = bound[0] ? *bound[0] : Value(", ");
  return bind_state("joiner", [separator, used = std::make_shared<bool>(false)](const Arguments&) {
    return Result<Value>(std::exchange(*used, true) ? separator : Value(""));
  });
}

// cycler("a", "b"): next() gives them in turn, current shows where it is, reset() goes back.
Result<Value> call_cycler(Interpreter& interpreter, const Arguments& given) {
  if (given.positional.empty() || !given.named.empty())
    return Error::bad_input("cycler needs the values to go through");
  LATHE_CHECK(interpreter.budget().spend_elements(given.positional.size() + 8));
  Namespace* made = interpreter.make_namespace();
  const auto at = std::make_shared<std::size_t>(0);
  const auto move_to = [made, at, items = given.positional](std::size_t next) {
    const Value before = items[*at];
    *at = next % items.size();
    made->set("current", items[*at]);
    return before;
  };
  move_to(0);
  made->set("next", bind_state("next", [move_to, at](const Arguments&) {
              return Result<Value>(move_to(*at + 1));
            }));
  made->set("reset", bind_state("reset", [move_to](const Arguments&) {
              move_to(0);
              return Result<Value>(Value());
            }));
  return Value(made);
}

using GlobalFunction = Result<Value> (*)(Interpreter&, const Arguments&);
struct NamedGlobal {
  std::string_view name;
  GlobalFunction function;
};

constexpr std::array kGlobals = {
    NamedGlobal{"range", call_range},
    NamedGlobal{"dict", call_dict},
    NamedGlobal{"namespace", call_namespace},
    NamedGlobal{"raise_exception", call_raise},
    NamedGlobal{"strftime_now", call_strftime_now},
    NamedGlobal{"joiner", call_joiner},
    NamedGlobal{"cycler", call_cycler},
};

Value to_value(const NamedGlobal& global) {
  auto callable = std::make_shared<Callable>();
  callable->name = global.name;
  callable->call = global.function;
  return Value(CallablePointer(std::move(callable)));
}

}  // namespace

Error underscored(std::string_view name) {
  return Error::bad_input(fmt::format("a namespace takes no name that begins with '_': {}", name))
      .fix_with("give it another name");
}

Value dict_fromkeys() { return to_value({"fromkeys", call_fromkeys}); }

std::optional<Value> find_global(std::string_view name) {
  for (const NamedGlobal& global : kGlobals)
    if (global.name == name) return to_value(global);
  return std::nullopt;
}

}  // namespace lathe::text::jinja
