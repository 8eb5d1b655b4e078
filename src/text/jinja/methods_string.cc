// Methods of strings that make other strings.
#include <fmt/format.h>

#include <array>

#include "text/jinja/format.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/markup.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

std::string swap_case(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    const std::string_view one = text.substr(i, point.size);
    out += is_upper(point.value) ? to_lower(one) : to_upper(one);
    i += point.size;
  }
  return out;
}

template <std::string (*Convert)(std::string_view)>
Result<Value> change_case(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("the method", given, {}));
  return Value(Convert(*self.string()));
}

template <bool Left, bool Right>
Result<Value> strip_sides(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("strip", given, {"chars"}));
  if (!bound.has(0)) return Value(strip(*self.string(), {Left, Right}));
  LATHE_TRY(const std::string_view characters, bound.string(0, ""));
  return Value(strip(*self.string(), {Left, Right}, characters));
}

Result<Value> replace(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("replace", given, {"old", "new", "count"}, 2));
  LATHE_TRY(const std::string_view from, bound.string(0, ""));
  LATHE_TRY(const std::string_view to, bound.string(1, ""));
  LATHE_TRY(const std::int64_t count, bound.integer(2, -1));
  const bool escapes = self.is_markup() && !bound[1]->is_markup();
  const std::string added = escapes ? escape_html(to) : std::string(to);
  LATHE_TRY(std::string text,
            replace_text(interpreter.budget(), *self.string(), from, added, count));
  return Value(std::move(text));
}

Result<Value> join(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("join", given, {"iterable"}, 1));
  Budget& budget = interpreter.budget();
  LATHE_TRY(const SequencePointer items, items_of(budget, *bound[0]));
  LATHE_CHECK(budget.can_make_bytes(self.string()->size(), items->items.size()));
  std::string text;
  for (std::size_t i = 0; i < items->items.size(); ++i) {
    const Value& item = items->items[i];
    if (!item.string()) return misuse(item, "a string, as join needs it");
    const std::string part =
        self.is_markup() && !item.is_markup() ? escape_html(*item.string()) : *item.string();
    LATHE_CHECK(budget.can_make_bytes(text.size() + part.size()));
    if (i > 0) text += *self.string();
    text += part;
  }
  return Value(std::move(text));
}

template <Alignment Side>
Result<Value> justify(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("the method", given, {"width", "fillchar"}, 1));
  LATHE_TRY(const std::int64_t width, bound.integer(0, 0));
  LATHE_TRY(const std::string_view fill, bound.string(1, " "));
  if (count_code_points(fill) != 1) return Error::bad_input("the fill must be one character");
  LATHE_TRY(std::string text, pad_text(interpreter.budget(), *self.string(), {Side, width, fill}));
  return Value(std::move(text));
}

Result<Value> zero_fill(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("zfill", given, {"width"}, 1));
  LATHE_TRY(const std::int64_t width, bound.integer(0, 0));
  const std::string_view text = *self.string();
  const bool is_signed = !text.empty() && (text[0] == '-' || text[0] == '+');
  const std::size_t sign = is_signed ? 1 : 0;
  const std::int64_t rest =
      width > static_cast<std::int64_t>(sign) ? width - static_cast<std::int64_t>(sign) : 0;
  LATHE_TRY(const std::string digits,
            pad_text(interpreter.budget(), text.substr(sign), {Alignment::right, rest, "0"}));
  std::string filled(text.substr(0, sign));
  filled += digits;
  return Value(std::move(filled));
}

template <bool Prefix>
Result<Value> remove_affix(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("the method", given, {"affix"}, 1));
  LATHE_TRY(const std::string_view affix, bound.string(0, ""));
  std::string_view text = *self.string();
  if (Prefix && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!Prefix && text.ends_with(affix)) text.remove_suffix(affix.size());
  return Value(text);
}

Result<Value> format(Interpreter& interpreter, const Value& self, const Arguments& given) {
  return format_braces(interpreter, self, given);
}

// format(**mapping).
Result<Value> format_map(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("format_map", given, {"mapping"}, 1));
  const Mapping* mapping = bound[0]->mapping();
  if (!mapping) return misuse(*bound[0], "a mapping, as format_map needs it");
  Arguments named;
  for (const auto& [key, value] : mapping->entries())
    if (const std::string* name = key.string()) named.named.emplace_back(*name, value);
  return format_braces(interpreter, self, named);
}

// str.expandtabs: blanks up to the next multiple of the size; a line break starts anew.
Result<Value> expand_tabs(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("expandtabs", given, {"tabsize"}));
  LATHE_TRY(const std::int64_t size, bound.integer(0, 8));
  std::string out;
  std::int64_t column = 0;
  const std::string_view text = *self.string();
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (point.value == '\t') {
      const std::int64_t blanks = size > 0 ? size - column % size : 0;
      LATHE_CHECK(
          interpreter.budget().can_make_bytes(out.size() + static_cast<std::uint64_t>(blanks)));
      out.append(static_cast<std::size_t>(blanks), ' ');
      column += blanks;
    } else {
      out += text.substr(i, point.size);
      column = point.value == '\n' || point.value == '\r' ? 0 : column + 1;
    }
    i += point.size;
  }
  return Value(std::move(out));
}

constexpr std::array kStringMethods = {
    NamedMethod{"upper", change_case<to_upper>},
    NamedMethod{"lower", change_case<to_lower>},
    NamedMethod{"title", change_case<to_title>},
    NamedMethod{"capitalize", change_case<to_capitalized>},
    NamedMethod{"swapcase", change_case<swap_case>},
    NamedMethod{"strip", strip_sides<true, true>},
    NamedMethod{"lstrip", strip_sides<true, false>},
    NamedMethod{"rstrip", strip_sides<false, true>},
    NamedMethod{"replace", replace},
    NamedMethod{"join", join},
    NamedMethod{"ljust", justify<Alignment::left>},
    NamedMethod{"rjust", justify<Alignment::right>},
    NamedMethod{"center", justify<Alignment::center>},
    NamedMethod{"zfill", zero_fill},
    NamedMethod{"removeprefix", remove_affix<true>},
    NamedMethod{"removesuffix", remove_affix<false>},
    NamedMethod{"format", format},
    NamedMethod{"format_map", format_map},
    NamedMethod{"expandtabs", expand_tabs},
};

}  // namespace

std::span<const NamedMethod> string_methods() { return kStringMethods; }

}  // namespace lathe::text::jinja
