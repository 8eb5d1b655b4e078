#include "text/jinja/print.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <charconv>
#include <cmath>

#include "text/jinja/loop.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

// str.isprintable for one code point.
bool is_printable(char32_t value) {
  if (value == ' ') return true;
  if (value < 0x80) return value > 32 && value < 127;
  if (value >= 0xD800 && value <= 0xDFFF) return false;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

void append_escaped(std::string& out, char32_t value) {
  const auto code = static_cast<std::uint32_t>(value);
  if (value == '\n') {
    out += "\\n";
  } else if (value == '\r') {
    out += "\\r";
  } else if (value == '\t') {
    out += "\\t";
  } else if (value <= 0xFF) {
    out += fmt::format("\\x{:02x}", code);
  } else if (value <= 0xFFFF) {
    out += fmt::format("\\u{:04x}", code);
  } else {
    out += fmt::format("\\U{:08x}", code);
  }
}

std::string string_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (point.value == static_cast<char32_t>(quote) || point.value == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(point.value));
    } else if (is_printable(point.value)) {
      out.append(text.substr(i, point.size));
    } else {
      append_escaped(out, point.value);
    }
    i += point.size;
  }
  out.push_back(quote);
  return out;
}

// Writes reprs into one string; the budget bounds a value that contains itself many times over.
class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  Status print(const Value& value) {
    const std::size_t before = out_.size();
    LATHE_CHECK(budget_.spend(1));
    LATHE_CHECK(append(value));
    if (value.depth() == 0) LATHE_CHECK(budget_.spend_bytes(out_.size() - before));
    return {};
  }
  std::string take() { return std::move(out_); }

 private:
  Status append(const Value& value) {
    switch (value.kind()) {
      case Kind::undefined:
        out_ += "Undefined";
        return {};
      case Kind::none:
        out_ += "None";
        return {};
      case Kind::boolean:
        out_ += *value.boolean() ? "True" : "False";
        return {};
      case Kind::integer:
        out_ += std::to_string(*value.integer());
        return {};
      case Kind::floating:
        out_ += float_text(*value.floating());
        return {};
      case Kind::string:
        out_ += value.is_markup() ? fmt::format("Markup({})", string_repr(*value.string()))
                                  : string_repr(*value.string());
        return {};
      case Kind::sequence:
        return append_sequence(*value.sequence());
      case Kind::mapping:
        return append_mapping(*value.mapping());
      case Kind::callable:
        append_callable(*value.callable());
        return {};
      case Kind::name_space:
        return append_namespace(*value.name_space());
      case Kind::loop:
        return append_loop(*value.loop());
      case Kind::large_integer:
        out_ += *value.large_integer();
        return {};
    }
    return {};
  }

  void append_callable(const Callable& callable) {
    if (!callable.macro)
      out_ += fmt::format("<function {}>", callable.name);
    else if (callable.macro->anonymous)
      out_ += "<Macro anonymous>";
    else
      out_ += fmt::format("<Macro {}>", string_repr(callable.name));
  }

  Status append_loop(Loop& loop) {
    LATHE_TRY(const std::size_t length, loop.length());
    out_ += fmt::format("<LoopContext {}/{}>", loop.index0 + 1, length);
    return {};
  }

  Status append_sequence(const Sequence& sequence) {
    switch (sequence.type) {
      case SequenceType::list:
        return append_items("[", sequence, "]");
      case SequenceType::tuple:
        return append_items("(", sequence, sequence.items.size() == 1 ? ",)" : ")");
      case SequenceType::range:
        append_range(*sequence.range);
        return {};
      case SequenceType::generator:
        out_ += "<generator object>";
        return {};
      case SequenceType::dict_keys:
        return append_items("dict_keys([", sequence, "])");
      case SequenceType::dict_values:
        return append_items("dict_values([", sequence, "])");
      case SequenceType::dict_items:
        return append_items("dict_items([", sequence, "])");
    }
    return {};
  }

  Status append_items(std::string_view open, const Sequence& sequence, std::string_view close) {
    out_ += open;
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) out_ += ", ";
      LATHE_CHECK(print(sequence.items[i]));
    }
    out_ += close;
    return {};
  }

  void append_range(const RangeBounds& range) {
    out_ += range.step == 1 ? fmt::format("range({}, {})", range.start, range.stop)
                            : fmt::format("range({}, {}, {})", range.start, range.stop, range.step);
  }

  Status append_mapping(const Mapping& mapping) {
    out_ += "{";
    bool first = true;
    for (const auto& [key, value] : mapping.entries()) {
      if (!first) out_ += ", ";
      first = false;
      LATHE_CHECK(print(key));
      out_ += ": ";
      LATHE_CHECK(print(value));
    }
    out_ += "}";
    return {};
  }

  // A namespace can hold itself: the budget's depth ends that.
  Status append_namespace(const Namespace& name_space) {
    LATHE_CHECK(budget_.enter());
    const Status status = append_members(name_space);
    budget_.leave();
    return status;
  }

  Status append_members(const Namespace& name_space) {
    out_ += "<Namespace {";
    bool first = true;
    for (const auto& [key, value] : name_space.members) {
      if (!first) out_ += ", ";
      first = false;
      out_ += string_repr(key) + ": ";
      LATHE_CHECK(print(value));
    }
    out_ += "}>";
    return {};
  }

  Budget& budget_;
  std::string out_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
  const std::string_view scientific(digits, static_cast<std::size_t>(end.ptr - digits));
  const std::size_t e = scientific.find('e');
  int exponent = 0;
  const char* number = scientific.data() + e + 1;
  std::from_chars(*number == '+' ? number + 1 : number, end.ptr, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  const auto fixed = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  std::string text(digits, fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

Result<std::string> to_repr(Budget& budget, const Value& value) {
  Printer printer(budget);
  LATHE_CHECK(printer.print(value));
  return printer.take();
}

Result<std::string> to_text(Budget& budget, const Value& value) {
  if (const std::string* text = value.string()) return *text;
  if (value.is(Kind::undefined)) return std::string();
  return to_repr(budget, value);
}

}  // namespace lathe::text::jinja
