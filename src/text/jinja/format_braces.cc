// Python's pattern.format(...), with the attribute access of templates.
#include <fmt/format.h>

#include <charconv>

#include "text/jinja/access.h"
#include "text/jinja/format.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/markup.h"
#include "text/jinja/print.h"

namespace lathe::text::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Value& pattern, const Arguments& arguments)
      : interpreter_(interpreter),
        pattern_(*pattern.string()),
        escapes_(pattern.is_markup()),
        arguments_(arguments) {}

  Result<std::string> run() {
    for (std::size_t i = 0; i < pattern_.size();) {
      const char c = pattern_[i];
      const bool doubled = i + 1 < pattern_.size() && pattern_[i + 1] == c;
      if (c != '{' && c != '}') {
        out_.push_back(c);
        ++i;
      } else if (doubled) {
        out_.push_back(c);
        i += 2;
      } else {
        const std::size_t end = end_of_field(i);
        if (c == '}' || end == std::string_view::npos)
          return Error::bad_input("a single brace in a format string");
        LATHE_CHECK(add_field(pattern_.substr(i + 1, end - i - 1)));
        i = end + 1;
      }
    }
    return std::move(out_);
  }

 private:
  // The brace that closes the one at `begin`; a specification may hold fields.
  std::size_t end_of_field(std::size_t begin) const {
    int open = 0;
    for (std::size_t i = begin; i < pattern_.size(); ++i) {
      if (pattern_[i] == '{') ++open;
      if (pattern_[i] == '}' && --open == 0) return i;
    }
    return std::string_view::npos;
  }

  // A specification's own fields: "{:>{width}}". Those have none again.
  Result<std::string> expand(std::string_view specification) {
    if (specification.find_first_of("{}") == std::string_view::npos)
      return std::string(specification);
    if (inside_) return Error::bad_input("a format string nests its fields too deep");
    const std::string_view pattern = std::exchange(pattern_, specification);
    std::string out = std::exchange(out_, {});
    inside_ = true;
    auto expanded = run();
    inside_ = false;
    pattern_ = pattern;
    out_ = std::move(out);
    return expanded;
  }

  // "name.attribute[key]!r:specification"
  Status add_field(std::string_view field) {
    const std::size_t colon = field.find(':');
    std::string_view name = field.substr(0, colon);
    const std::size_t mark = name.find('!');
    const std::string_view conversion =
        mark == std::string_view::npos ? std::string_view() : name.substr(mark + 1);
    name = name.substr(0, mark);
    LATHE_TRY(Value value, find_value(name));
    Budget& budget = interpreter_.budget();
    if (conversion == "r" || conversion == "s") {
      LATHE_TRY(std::string text,
                conversion == "r" ? to_repr(budget, value) : to_text(budget, value));
      value = Value(std::move(text));
    } else if (mark != std::string_view::npos) {
      return Error::bad_input("an unknown conversion in a format string");
    }
    LATHE_TRY(
        const std::string specification,
        expand(colon == std::string_view::npos ? std::string_view() : field.substr(colon + 1)));
    LATHE_TRY(const std::string text, format_value(budget, value, specification));
    out_ += escapes_ && !value.is_markup() ? escape_html(text) : text;
    return budget.spend_bytes(text.size());
  }

  Result<Value> find_value(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    LATHE_TRY(Value value, find_argument(name.substr(0, end)));
    std::string_view rest = name.substr(end);
    while (!rest.empty()) {
      const bool is_key = rest[0] == '[';
      const std::size_t stop = is_key ? rest.find(']') : rest.find_first_of(".[", 1);
      if (is_key && stop == std::string_view::npos)
        return Error::bad_input("a missing ']' in a format string");
      const std::string_view part = rest.substr(1, std::min(stop, rest.size()) - 1);
      LATHE_TRY(value, is_key ? get_item(interpreter_, value, key_of(part))
                              : get_attribute(interpreter_, value, part));
      rest = rest.substr(std::min(is_key ? stop + 1 : stop, rest.size()));
    }
    return value;
  }

  Result<Value> find_argument(std::string_view name) {
    const Value index = name.empty() ? Value(next_index_++) : key_of(name);
    if (const auto* number = index.integer()) {
      const Numbering numbering = name.empty() ? Numbering::automatic : Numbering::given;
      if (numbering_ != Numbering::unknown && numbering_ != numbering)
        return Error::bad_input("a format string has fields with and without a number");
      numbering_ = numbering;
      const auto at = static_cast<std::size_t>(*number);
      if (at < arguments_.positional.size()) return arguments_.positional[at];
      return Error::bad_input("the format string needs more arguments");
    }
    if (const Value* value = arguments_.find_named(name)) return *value;
    return Error::bad_input(fmt::format("the format string needs the argument '{}'", name));
  }

  // Digits are an index, everything else a name.
  static Value key_of(std::string_view text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = !text.empty() && text[0] != '-' && parsed.ec == std::errc() &&
                           parsed.ptr == text.data() + text.size();
    return is_number ? Value(number) : Value(text);
  }

  Interpreter& interpreter_;
  std::string_view pattern_;
  bool escapes_;
  const Arguments& arguments_;
  enum class Numbering { unknown, automatic, given };
  Numbering numbering_ = Numbering::unknown;
  std::size_t next_index_ = 0;
  bool inside_ = false;  // a specification
  std::string out_;
};

}  // namespace

Result<Value> format_braces(Interpreter& interpreter, const Value& pattern,
                            const Arguments& arguments) {
  LATHE_TRY(std::string text, BraceFormatter(interpreter, pattern, arguments).run());
  return marked_like(pattern, std::move(text));
}

}  // namespace lathe::text::jinja
