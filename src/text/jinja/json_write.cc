#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "text/jinja/json.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

void append_utf16_escape(std::string& out, char32_t value) {
  const auto unit = [&](std::uint32_t code) { out += fmt::format("\\u{:04x}", code); };
  if (value < 0x10000) {
    unit(value);
    return;
  }
  const std::uint32_t offset = value - 0x10000;
  unit(0xD800 + (offset >> 10));
  unit(0xDC00 + (offset & 0x3FF));
}

// The short escape of a byte, or 0.
char short_escape(char byte) {
  switch (byte) {
    case '"':
    case '\\':
      return byte;
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\f':
      return 'f';
    case '\b':
      return 'b';
    default:
      return 0;
  }
}

void append_json_string(std::string& out, std::string_view text, bool ascii_only) {
  out.push_back('"');
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    const char escape = point.size == 1 ? short_escape(text[i]) : 0;
    if (escape) {
      out.push_back('\\');
      out.push_back(escape);
    } else if (point.value < 0x20 || (ascii_only && point.value >= 0x7F)) {
      append_utf16_escape(out, point.value);
    } else {
      out.append(text.substr(i, point.size));
    }
    i += point.size;
  }
  out.push_back('"');
}

std::string json_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_text(value);
}

class Writer {
 public:
  Writer(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style) {
    item_separator_ = style.item_separator.value_or(style.indent ? "," : ", ");
    key_separator_ = style.key_separator.value_or(": ");
  }

  Status write(const Value& value) {
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
      case Kind::none:
        out_ += "null";
        return {};
      case Kind::boolean:
        out_ += *value.boolean() ? "true" : "false";
        return {};
      case Kind::integer:
        out_ += std::to_string(*value.integer());
        return {};
      case Kind::large_integer:
        out_ += *value.large_integer();
        return {};
      case Kind::floating:
        out_ += json_float(*value.floating());
        return {};
      case Kind::string:
        append_json_string(out_, *value.string(), style_.ascii_only);
        return {};
      case Kind::sequence:
        return append_sequence(value);
      case Kind::mapping:
        return append_mapping(*value.mapping());
      default:
        return misuse_in_json(value);
    }
  }

  static Error misuse_in_json(const Value& value) {
    return Error::bad_input(
               fmt::format("object of type {} is not JSON serializable", value.type_name()))
        .fix_with(std::string(value.why_undefined()));
  }

  Status append_sequence(const Value& value) {
    const Sequence& sequence = *value.sequence();
    const bool writable =
        sequence.type == SequenceType::list || sequence.type == SequenceType::tuple;
    if (!writable) return misuse_in_json(value);
    if (sequence.items.empty()) {
      out_ += "[]";
      return {};
    }
    out_ += "[";
    ++level_;
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      LATHE_CHECK(begin_item(i == 0));
      LATHE_CHECK(write(sequence.items[i]));
    }
    --level_;
    LATHE_CHECK(break_line());
    out_ += "]";
    return {};
  }

  Status append_mapping(const Mapping& mapping) {
    if (mapping.size() == 0) {
      out_ += "{}";
      return {};
    }
    LATHE_TRY(const std::vector<std::size_t> order, member_order(mapping));
    out_ += "{";
    ++level_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& [key, value] = mapping.entries()[order[i]];
      LATHE_CHECK(begin_item(i == 0));
      LATHE_CHECK(append_key(key));
      out_ += key_separator_;
      LATHE_CHECK(write(value));
    }
    --level_;
    LATHE_CHECK(break_line());
    out_ += "}";
    return {};
  }

  Result<std::vector<std::size_t>> member_order(const Mapping& mapping) {
    std::vector<std::size_t> order(mapping.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!style_.sort_keys) return order;
    std::optional<Error> failure;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (failure) return false;
      auto sign = compare(budget_, mapping.entries()[a].first, mapping.entries()[b].first);
      if (!sign.ok()) failure = std::move(sign).error();
      return !failure && sign.value() < 0;
    });
    if (failure) return std::move(*failure);
    return order;
  }

  // Scalars that are not strings become strings, as json.dumps does.
  Status append_key(const Value& key) {
    if (const std::string* text = key.string()) {
      append_json_string(out_, *text, style_.ascii_only);
      return budget_.spend_bytes(text->size());
    }
    if (!key.is_number() && !key.is(Kind::none) && !key.is(Kind::large_integer))
      return Error::bad_input(fmt::format("a JSON key cannot be a {}", key.type_name()));
    out_ += "\"";
    LATHE_CHECK(append(key));
    out_ += "\"";
    return {};
  }

  Status begin_item(bool first) {
    if (!first) out_ += item_separator_;
    return break_line();
  }

  Status break_line() {
    if (!style_.indent) return {};
    LATHE_CHECK(budget_.can_make_bytes(style_.indent->size(), static_cast<std::uint64_t>(level_)));
    LATHE_CHECK(budget_.spend_bytes(style_.indent->size() * static_cast<std::size_t>(level_)));
    out_ += "\n";
    for (int i = 0; i < level_; ++i) out_ += *style_.indent;
    return {};
  }

  Budget& budget_;
  const JsonStyle& style_;
  std::string item_separator_;
  std::string key_separator_;
  std::string out_;
  int level_ = 0;
};

}  // namespace

Result<std::string> write_json(Budget& budget, const Value& value, const JsonStyle& style) {
  Writer writer(budget, style);
  LATHE_CHECK(writer.write(value));
  return writer.take();
}

}  // namespace lathe::text::jinja
