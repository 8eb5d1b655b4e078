// Methods of strings that search, split and classify.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// The part [start, end) of a text that a search is about, by indices of code points.
struct Window {
  std::string_view text;
  std::size_t start;  // in code points
  bool beyond;        // start is past the end of the text: nothing is found, not even ""
};

Result<Window> search_window(const Value& self, const Bound& bound) {
  const std::string_view text = *self.string();
  LATHE_TRY(std::int64_t start, bound.has(1) ? bound.integer(1, 0) : Result<std::int64_t>(0));
  LATHE_TRY(std::int64_t end, bound.has(2) ? bound.integer(2, 0) : Result<std::int64_t>(INT64_MAX));
  if (start == 0 && end == INT64_MAX) return Window{text, 0, false};
  const auto size = static_cast<std::int64_t>(count_code_points(text));
  if (start < 0) start = std::max<std::int64_t>(0, start + size);
  if (end < 0) end = std::max<std::int64_t>(0, end + size);
  end = std::min(end, size);
  if (start > end) return Window{{}, 0, true};
  const std::size_t from = byte_of_code_point(text, static_cast<std::size_t>(start));
  const std::size_t to = byte_of_code_point(text, static_cast<std::size_t>(end));
  return Window{text.substr(from, to - from), static_cast<std::size_t>(start), false};
}

// find, rfind, index, rindex.
template <bool FromRight, bool MustExist>
Result<Value> find(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("find", given, {"sub", "start", "end"}, 1));
  LATHE_TRY(const std::string_view part, bound.string(0, ""));
  LATHE_TRY(const Window window, search_window(self, bound));
  const std::size_t at = window.beyond ? kNowhere
                         : FromRight   ? window.text.rfind(part)
                                       : window.text.find(part);
  if (at != kNowhere) return Value(window.start + count_code_points(window.text.substr(0, at)));
  if (MustExist) return Error::bad_input("index: the substring was not found");
  return Value(-1);
}

Result<Value> count(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("count", given, {"sub", "start", "end"}, 1));
  LATHE_TRY(const std::string_view part, bound.string(0, ""));
  LATHE_TRY(const Window window, search_window(self, bound));
  if (window.beyond) return Value(0);
  if (part.empty()) return Value(count_code_points(window.text) + 1);
  std::int64_t found = 0;
  for (std::size_t at = window.text.find(part); at != kNowhere;
       at = window.text.find(part, at + part.size()))
    ++found;
  return Value(found);
}

// startswith, endswith: one affix or a tuple of them.
template <bool Start>
Result<Value> has_affix(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound,
            Bound::bind("startswith or endswith", given, {"affix", "start", "end"}, 1));
  LATHE_TRY(const Window window, search_window(self, bound));
  const auto matches = [&](const std::string& affix) {
    return !window.beyond &&
           (Start ? window.text.starts_with(affix) : window.text.ends_with(affix));
  };
  if (const std::string* affix = bound[0]->string()) return Value(matches(*affix));
  const Sequence* several = bound[0]->sequence();
  if (!several || several->type != SequenceType::tuple)
    return misuse(*bound[0], "a string or a tuple of strings");
  for (const Value& one : several->items) {
    if (!one.string()) return misuse(one, "a string");
    if (matches(*one.string())) return Value(true);
  }
  return Value(false);
}

std::vector<Value> to_values(const std::vector<std::string_view>& parts) {
  std::vector<Value> values;
  values.reserve(parts.size());
  for (const std::string_view part : parts) values.emplace_back(part);
  return values;
}

// Runs of white space separate; those at the ends do not count.
std::vector<std::string_view> split_at_space(std::string_view text, std::size_t limit) {
  std::vector<std::string_view> parts;
  text = strip(text, {.right = false});
  while (!text.empty()) {
    if (parts.size() == limit) {
      parts.push_back(text);  // with the white space at its end
      break;
    }
    std::size_t end = 0;
    while (end < text.size() && !is_space(decode_at(text, end).value))
      end += decode_at(text, end).size;
    parts.push_back(text.substr(0, end));
    text = strip(text.substr(end), {.right = false});
  }
  return parts;
}

std::vector<std::string_view> split_at_space_from_right(std::string_view text, std::size_t limit) {
  const auto all = split_at_space(text, kNowhere);
  if (all.size() <= limit) return all;
  // The first words stay together, with the white space between them.
  const std::string_view last_together = all[all.size() - limit - 1];
  const auto end =
      static_cast<std::size_t>(last_together.data() - text.data()) + last_together.size();
  std::vector<std::string_view> parts = {text.substr(0, end)};
  parts.insert(parts.end(), all.end() - static_cast<std::ptrdiff_t>(limit), all.end());
  return parts;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator,
                                       std::size_t limit, bool from_right) {
  std::vector<std::string_view> parts;
  while (parts.size() < limit) {
    const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
    if (at == kNowhere) break;
    const std::string_view after = text.substr(at + separator.size());
    parts.push_back(from_right ? after : text.substr(0, at));
    text = from_right ? text.substr(0, at) : after;
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

template <bool FromRight>
Result<Value> split(Interpreter& interpreter, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("split", given, {"sep", "maxsplit"}));
  LATHE_TRY(const std::int64_t maximum, bound.integer(1, -1));
  const std::size_t limit = maximum < 0 ? kNowhere : static_cast<std::size_t>(maximum);
  const std::string_view text = *self.string();
  LATHE_CHECK(interpreter.budget().spend_bytes(text.size()));
  if (!bound.has(0))
    return Value::list(to_values(FromRight ? split_at_space_from_right(text, limit)
                                           : split_at_space(text, limit)));
  LATHE_TRY(const std::string_view separator, bound.string(0, ""));
  if (separator.empty()) return Error::bad_input("split: the separator is empty");
  LATHE_CHECK(interpreter.budget().can_make_bytes(32 * (text.size() / separator.size())));
  return Value::list(to_values(split_at(text, separator, limit, FromRight)));
}

template <bool FromRight>
Result<Value> partition(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("partition", given, {"sep"}, 1));
  LATHE_TRY(const std::string_view separator, bound.string(0, ""));
  if (separator.empty()) return Error::bad_input("partition: the separator is empty");
  const std::string_view text = *self.string();
  const std::size_t at = FromRight ? text.rfind(separator) : text.find(separator);
  if (at == kNowhere)
    return FromRight ? Value::tuple({Value(""), Value(""), self})
                     : Value::tuple({self, Value(""), Value("")});
  return Value::tuple(
      {Value(text.substr(0, at)), Value(separator), Value(text.substr(at + separator.size()))});
}

Result<Value> lines(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_TRY(const Bound bound, Bound::bind("splitlines", given, {"keepends"}));
  return Value::list(to_values(split_lines(*self.string(), bound.truth_of(0, false))));
}

bool is_alphanumeric(char32_t value) { return is_alphabetic(value) || is_numeric(value); }

// isalpha and the like: every code point is one, and there is at least one.
template <bool (*Wanted)(char32_t)>
Result<Value> all_are(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("the method", given, {}));
  const std::string& text = *self.string();
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (!Wanted(point.value)) return Value(false);
    i += point.size;
  }
  return Value(!text.empty());
}

Result<Value> is_ascii(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("isascii", given, {}));
  const std::string& text = *self.string();
  return Value(std::all_of(text.begin(), text.end(),
                           [](char byte) { return static_cast<unsigned char>(byte) < 0x80; }));
}

// Words in which the first letter is a capital and no other is.
Result<Value> is_title(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("istitle", given, {}));
  const std::string_view text = *self.string();
  bool any = false;
  bool after_cased = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (is_upper(point.value) == after_cased && is_cased(point.value)) return Value(false);
    after_cased = is_cased(point.value);
    any = any || after_cased;
    i += point.size;
  }
  return Value(any);
}

template <bool (*Wanted)(char32_t)>
Result<Value> only_case(Interpreter&, const Value& self, const Arguments& given) {
  LATHE_CHECK(Bound::bind("the method", given, {}));
  return Value(has_only_case(*self.string(), Wanted));
}

constexpr std::array kStringFindMethods = {
    NamedMethod{"find", find<false, false>},
    NamedMethod{"rfind", find<true, false>},
    NamedMethod{"index", find<false, true>},
    NamedMethod{"rindex", find<true, true>},
    NamedMethod{"count", count},
    NamedMethod{"startswith", has_affix<true>},
    NamedMethod{"endswith", has_affix<false>},
    NamedMethod{"split", split<false>},
    NamedMethod{"rsplit", split<true>},
    NamedMethod{"partition", partition<false>},
    NamedMethod{"rpartition", partition<true>},
    NamedMethod{"splitlines", lines},
    NamedMethod{"isalpha", all_are<is_alphabetic>},
    NamedMethod{"isalnum", all_are<is_alphanumeric>},
    NamedMethod{"isdecimal", all_are<is_decimal_digit>},
    NamedMethod{"isdigit", all_are<is_decimal_digit>},
    NamedMethod{"isnumeric", all_are<is_numeric>},
    NamedMethod{"isspace", all_are<is_space>},
    NamedMethod{"isascii", is_ascii},
    NamedMethod{"istitle", is_title},
    NamedMethod{"isupper", only_case<is_upper>},
    NamedMethod{"islower", only_case<is_lower>},
};

}  // namespace

std::span<const NamedMethod> string_find_methods() { return kStringFindMethods; }

}  // namespace lathe::text::jinja
