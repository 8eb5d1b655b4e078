// Filters that make a string of a value.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja/filters.h"
#include "text/jinja/format.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/json.h"
#include "text/jinja/markup.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

Result<Value> filter_string(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("string", given, {}));
  if (input.is(Kind::string)) return input;
  LATHE_TRY(std::string text, to_text(interpreter.budget(), input));
  return Value(std::move(text));
}

template <std::string (*Convert)(std::string_view)>
Result<Value> filter_case(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("the filter", given, {}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  return marked_like(input, Convert(text));
}

bool separates_title_words(char32_t value) {
  return is_space(value) || value == '-' || value == '(' || value == '{' || value == '[' ||
         value == '<';
}

// Unlike str.title, words end only at blanks, hyphens and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  std::size_t begin = 0;
  const auto add_word = [&](std::size_t end) {
    if (begin == end) return;
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t first = decode_at(word, 0).size;
    out += to_upper(word.substr(0, first)) + to_lower(word.substr(first));
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (separates_title_words(point.value)) {
      add_word(i);
      out += text.substr(i, point.size);
      begin = i + point.size;
    }
    i += point.size;
  }
  add_word(text.size());
  return out;
}

Result<Value> filter_title(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_CHECK(Bound::bind("title", given, {}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  return Value(title_words(text));
}

Result<Value> filter_trim(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("trim", given, {"chars"}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  if (!bound.has(0)) return marked_like(input, std::string(strip(text)));
  LATHE_TRY(const std::string_view characters, bound.string(0, ""));
  return marked_like(input, std::string(strip(text, {}, characters)));
}

Result<Value> filter_replace(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("replace", given, {"old", "new", "count"}, 2));
  Budget& budget = interpreter.budget();
  LATHE_TRY(const std::string text, to_text(budget, input));
  LATHE_TRY(const std::string from, to_text(budget, *bound[0]));
  LATHE_TRY(const std::string to, to_text(budget, *bound[1]));
  LATHE_TRY(const std::int64_t count,
            bound.has(2) ? bound.integer(2, -1) : Result<std::int64_t>(-1));
  LATHE_TRY(std::string replaced, replace_text(budget, text, from, to, count));
  return Value(std::move(replaced));
}

Result<std::string> indentation(Budget& budget, const Value* width) {
  if (!width) return std::string(4, ' ');
  if (const std::string* text = width->string()) return *text;
  const auto count = width->as_integer();
  if (!count) return misuse(*width, "a width for indent");
  const auto spaces = static_cast<std::size_t>(std::max<std::int64_t>(0, *count));
  LATHE_CHECK(budget.can_make_bytes(spaces));
  return std::string(spaces, ' ');
}

Result<Value> filter_indent(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("indent", given, {"width", "first", "blank"}));
  Budget& budget = interpreter.budget();
  if (!input.string()) return misuse(input, "a string, as indent needs it");
  LATHE_TRY(const std::string indent, indentation(budget, bound[0]));
  std::string text = *input.string() + "\n";  // as Jinja does it: a newline at the end stays one
  const auto lines = split_lines(text);
  LATHE_CHECK(budget.can_make_bytes(indent.size() + 1, lines.size() + 1));
  std::string out = bound.truth_of(1, false) ? indent : "";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\n";
    if (i > 0 && (!lines[i].empty() || bound.truth_of(2, false))) out += indent;
    out += lines[i];
  }
  return marked_like(input, std::move(out));
}

Result<Value> filter_center(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("center", given, {"width"}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  LATHE_TRY(const std::int64_t width, bound.integer(0, 80));
  LATHE_TRY(std::string centered,
            pad_text(interpreter.budget(), text, {Alignment::center, width, " "}));
  return marked_like(input, std::move(centered));
}

Result<Value> filter_truncate(Interpreter&, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound,
            Bound::bind("truncate", given, {"length", "killwords", "end", "leeway"}));
  if (!input.string()) return misuse(input, "a string, as truncate needs it");
  const std::string& text = *input.string();
  LATHE_TRY(const std::int64_t length, bound.integer(0, 255));
  LATHE_TRY(const std::string_view end, bound.string(2, "..."));
  LATHE_TRY(const std::int64_t leeway,
            bound.has(3) ? bound.integer(3, 5) : Result<std::int64_t>(5));
  const auto end_size = static_cast<std::int64_t>(count_code_points(end));
  if (length < end_size || leeway < 0 || leeway > INT32_MAX || length > INT32_MAX)
    return Error::bad_input(
        "truncate: the length is less than the end mark's, or leeway is negative");
  if (static_cast<std::int64_t>(count_code_points(text)) <= length + leeway) return input;
  std::string_view kept = std::string_view(text).substr(
      0, byte_of_code_point(text, static_cast<std::size_t>(length - end_size)));
  if (!bound.truth_of(1, false)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  std::string cut(kept);
  cut += input.is_markup() ? escape_html(end) : std::string(end);
  return marked_like(input, std::move(cut));
}

Result<Value> filter_wordcount(Interpreter& interpreter, const Value& input,
                               const Arguments& given) {
  LATHE_CHECK(Bound::bind("wordcount", given, {}));
  LATHE_TRY(const std::string text, to_text(interpreter.budget(), input));
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    const bool part = is_alphabetic(point.value) || is_numeric(point.value) || point.value == '_';
    if (part && !inside) ++words;
    inside = part;
    i += point.size;
  }
  return Value(words);
}

Result<Value> filter_format(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(std::string text, to_text(interpreter.budget(), input));
  const Value pattern = marked_like(input, std::move(text));
  if (given.named.empty())
    return format_percent(interpreter.budget(), pattern, Value::tuple(given.positional));
  if (!given.positional.empty())
    return Error::bad_input("format takes positional or named arguments, not both");
  auto named = std::make_shared<Mapping>();
  for (const auto& [name, value] : given.named) LATHE_CHECK(named->set(Value(name), value));
  return format_percent(interpreter.budget(), pattern, Value(MappingPointer(std::move(named))));
}

Result<std::optional<std::string>> json_indent(Budget& budget, const Bound& bound) {
  if (!bound.has(1)) return std::optional<std::string>();
  LATHE_TRY(std::string indent, indentation(budget, bound[1]));
  return std::optional(std::move(indent));
}

Status set_separators(JsonStyle& style, const Value& separators) {
  const Sequence* pair = separators.sequence();
  const bool two_strings =
      pair && pair->items.size() == 2 && pair->items[0].string() && pair->items[1].string();
  if (!two_strings) return misuse(separators, "a pair of strings, as tojson's separators are");
  style.item_separator = *pair->items[0].string();
  style.key_separator = *pair->items[1].string();
  return {};
}

// Hugging Face's: json.dumps(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False).
Result<Value> filter_tojson(Interpreter& interpreter, const Value& input, const Arguments& given) {
  LATHE_TRY(const Bound bound,
            Bound::bind("tojson", given, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii_only = bound.truth_of(0, false);
  LATHE_TRY(style.indent, json_indent(interpreter.budget(), bound));
  if (bound.has(2)) LATHE_CHECK(set_separators(style, *bound[2]));
  style.sort_keys = bound.truth_of(3, false);
  LATHE_TRY(std::string text, write_json(interpreter.budget(), input, style));
  return Value(std::move(text));
}

constexpr std::array kTextFilters = {
    NamedFilter{"string", filter_string},
    NamedFilter{"upper", filter_case<to_upper>},
    NamedFilter{"lower", filter_case<to_lower>},
    NamedFilter{"capitalize", filter_case<to_capitalized>},
    NamedFilter{"title", filter_title},
    NamedFilter{"trim", filter_trim},
    NamedFilter{"replace", filter_replace},
    NamedFilter{"indent", filter_indent},
    NamedFilter{"center", filter_center},
    NamedFilter{"truncate", filter_truncate},
    NamedFilter{"wordcount", filter_wordcount},
    NamedFilter{"format", filter_format},
    NamedFilter{"tojson", filter_tojson},
};

}  // namespace

std::span<const NamedFilter> text_filters() { return kTextFilters; }

}  // namespace lathe::text::jinja
