#include "text/final_message.h"

#include "text/jinja/unicode.h"

namespace lathe::text {
namespace {

using jinja::Kind;
using jinja::Mapping;
using jinja::MappingPointer;
using jinja::Value;

constexpr std::string_view kMark = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kBareMark = kMark.substr(0, kMark.size() - 1);

Error no_text() {
  return Error::bad_input("the last message has no text to continue")
      .fix_with("give it a content, or leave continue_final_message out");
}

// The mapping with another value of a key.
Result<Value> with(const Mapping& mapping, std::string_view key, Value value) {
  auto copy = std::make_shared<Mapping>(mapping);
  LATHE_CHECK(copy->set(Value(key), std::move(value)));
  return Value(MappingPointer(std::move(copy)));
}

// A content of parts: the last one with a text gets the mark.
Result<Value> mark_parts(const std::vector<Value>& parts, std::string& final_text) {
  for (std::size_t i = parts.size(); i-- > 0;) {
    const Mapping* part = parts[i].mapping();
    const Value* text = part ? part->find(std::string_view("text")) : nullptr;
    if (!text) continue;
    if (!text->string()) return no_text();
    final_text = *text->string();
    std::vector<Value> marked = parts;
    LATHE_TRY(marked[i], with(*part, "text", Value(final_text + std::string(kMark))));
    return Value::list(std::move(marked));
  }
  return no_text();
}

}  // namespace

Result<MarkedMessages> mark_final_message(const std::vector<Value>& messages) {
  if (messages.empty()) return Error::bad_input("there is no message to continue");
  MarkedMessages out{messages, {}};
  const Mapping& last = *messages.back().mapping();
  const Value* content = last.find(std::string_view("content"));
  if (!content) return no_text();
  Value marked;
  if (const std::string* text = content->string()) {
    out.final_text = *text;
    marked = Value(*text + std::string(kMark));
  } else if (const jinja::Sequence* parts = content->sequence()) {
    LATHE_TRY(marked, mark_parts(parts->items, out.final_text));
  } else {
    return no_text();
  }
  LATHE_TRY(out.messages.back(), with(last, "content", std::move(marked)));
  return out;
}

Result<std::string> cut_at_mark(std::string rendered, const std::string& final_text) {
  const std::size_t mark = rendered.rfind(kBareMark);
  const bool there = rendered.find(jinja::strip(final_text)) != std::string::npos;
  if (mark == std::string::npos || !there)
    return Error::unsupported("the template does not write the last message as it is")
        .fix_with("leave continue_final_message out");
  const bool whole = std::string_view(rendered).substr(mark).starts_with(kMark);
  rendered.resize(mark);
  // A template that trims the text took the blank before the mark's end for part of it.
  if (!whole) rendered.resize(jinja::strip(rendered, {.left = false}).size());
  return rendered;
}

}  // namespace lathe::text
