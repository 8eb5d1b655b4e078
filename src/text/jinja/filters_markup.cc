// Filters that write for HTML and URLs: escape, safe, forceescape, urlencode, xmlattr.
#include <fmt/format.h>

#include <array>

#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/markup.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {
namespace {

Result<Value> filter_escape(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("escape", given, {}));
  LATHE_TRY(std::string text, to_markup(interpreter.budget(), input));
  return Value::markup(std::move(text));
}

Result<Value> filter_forceescape(Interpreter& interpreter, const Value& input,
                                 const Arguments& given) {
  LATHE_CHECK(Bound::bind("forceescape", given, {}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  return Value::markup(escape_html(text));
}

Result<Value> filter_safe(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("safe", given, {}));
  LATHE_TRY(std::string text, to_text(interpreter.budget(), input));
  return Value::markup(std::move(text));
}

bool stays_in_url(char byte) {
  const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  return letter || (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-' ||
         byte == '~';
}

// Bytes as %XX; in a query a blank is '+' and '/' is quoted too.
Result<std::string> url_quoted(Budget& budget, const Value& value, bool in_query) {
  LATHE_TRY(const std::string text, to_text(budget, value));
  LATHE_CHECK(budget.can_make_bytes(text.size(), 3));
  std::string out;
  for (const char byte : text) {
    if (stays_in_url(byte) || (byte == '/' && !in_query))
      out.push_back(byte);
    else if (byte == ' ' && in_query)
      out.push_back('+');
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return out;
}

// The pairs of a mapping, or of a sequence of pairs, as a query: a=1&b=2.
Result<Value> filter_urlencode(Interpreter& interpreter, const Value& input,
                               const Arguments& given) {
  LATHE_CHECK(Bound::bind("urlencode", given, {}));
  Budget& budget = interpreter.budget();
  const bool has_pairs = input.mapping() || input.sequence() || input.is(Kind::undefined);
  if (!has_pairs) {
    LATHE_TRY(std::string quoted, url_quoted(budget, input, false));
    return Value(std::move(quoted));
  }
  LATHE_TRY(const SequencePointer items, items_of(budget, input));
  std::string out;
  for (const Value& item : items->items) {
    Value pair = item;
    if (input.mapping()) pair = Value::tuple({item, *input.mapping()->find(item)});
    LATHE_TRY(const SequencePointer two, items_of(budget, pair));
    if (two->items.size() != 2) return Error::bad_input("urlencode needs pairs of name and value");
    LATHE_TRY(const std::string name, url_quoted(budget, two->items[0], true));
    LATHE_TRY(const std::string value, url_quoted(budget, two->items[1], true));
    LATHE_CHECK(budget.can_make_bytes(out.size() + name.size() + value.size()));
    if (&item != &items->items.front()) out += "&";
    out += name + "=" + value;
  }
  return Value(std::move(out));
}

// ` a="1" b="2"` of a mapping; what is None or undefined is left out, as Jinja does.
Result<Value> filter_xmlattr(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("xmlattr", given, {"autospace"}));
  if (!input.mapping()) return misuse(input, "a mapping, as xmlattr needs it");
  Budget& budget = interpreter.budget();
  std::string out;
  for (const auto& [key, value] : input.mapping()->entries()) {
    if (value.is(Kind::none) || value.is(Kind::undefined)) continue;
    const std::string* name = key.string();
    if (!name) return misuse(key, "the name of an attribute");
    constexpr std::string_view kForbidden(" \t\n\v\f\r/>=", 9);
    if (name->find_first_of(kForbidden) != std::string::npos)
      return Error::bad_input(fmt::format("xmlattr: '{}' is no name of an attribute", *name));
    LATHE_TRY(const std::string shown, to_markup(budget, value));
    LATHE_TRY(const std::string shown_name, to_markup(budget, key));
    LATHE_CHECK(budget.can_make_bytes(out.size() + shown.size() + shown_name.size()));
    if (!out.empty()) out += " ";
    out += fmt::format("{}=\"{}\"", shown_name, shown);
  }
  const bool spaced = bound.truth_of(0, true) && !out.empty();
  return Value((spaced ? " " : "") + out);
}

constexpr std::array kMarkupFilters = {
    NamedFilter{"escape", filter_escape},           NamedFilter{"e", filter_escape},
    NamedFilter{"forceescape", filter_forceescape}, NamedFilter{"safe", filter_safe},
    NamedFilter{"urlencode", filter_urlencode},     NamedFilter{"xmlattr", filter_xmlattr},
};

}  // namespace

std::span<const NamedFilter> markup_filters() { return kMarkupFilters; }

}  // namespace lathe::text::jinja
