#include "text/jinja/markup.h"

#include "text/jinja/print.h"

namespace lathe::text::jinja {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if (c == '"') {
      out += "&#34;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Result<std::string> to_markup(Budget& budget, const Value& value) {
  LATHE_TRY(std::string text, to_text(budget, value));
  return value.is_markup() ? std::move(text) : escape_html(text);
}

Value marked_like(const Value& like, std::string text) {
  return like.is_markup() ? Value::markup(std::move(text)) : Value(std::move(text));
}

Value mark_strings(Value result) {
  if (const std::string* text = result.string()) return Value::markup(*text);
  const Sequence* sequence = result.sequence();
  if (!sequence) return result;
  std::vector<Value> items;
  for (const Value& item : sequence->items) items.push_back(mark_strings(item));
  return make_sequence(sequence->type, std::move(items));
}

}  // namespace lathe::text::jinja
