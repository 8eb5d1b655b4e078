#include "text/jinja/loop.h"

namespace lathe::text::jinja {

Result<bool> Loop::has(std::size_t n) {
  if (!source) return false;
  if (!accepts) return n < source->items.size();
  while (accepted.size() <= n && scanned < source->items.size()) {
    const Value& candidate = source->items[scanned++];
    LATHE_TRY(const bool pass, accepts(candidate));
    if (pass) accepted.push_back(candidate);
  }
  return n < accepted.size();
}

const Value& Loop::item(std::size_t n) const { return accepts ? accepted[n] : source->items[n]; }

Result<std::size_t> Loop::length() {
  if (!source) return std::size_t{0};
  if (!accepts) return source->items.size();
  LATHE_CHECK(has(source->items.size()));
  return accepted.size();
}

Result<std::optional<Value>> Loop::attribute(std::string_view name) {
  using Found = std::optional<Value>;
  if (name == "index") return Found(Value(index0 + 1));
  if (name == "index0") return Found(Value(index0));
  if (name == "first") return Found(Value(index0 == 0));
  if (name == "depth") return Found(Value(depth0 + 1));
  if (name == "depth0") return Found(Value(depth0));
  if (name == "last") {
    LATHE_TRY(const bool more, has(index0 + 1));
    return Found(Value(!more));
  }
  if (name == "nextitem") {
    LATHE_TRY(const bool more, has(index0 + 1));
    return Found(more ? item(index0 + 1) : Value::undefined("there is no next item"));
  }
  if (name == "previtem")
    return Found(index0 > 0 && source ? item(index0 - 1)
                                      : Value::undefined("there is no previous item"));
  if (name == "length" || name == "revindex" || name == "revindex0") {
    LATHE_TRY(const std::size_t count, length());
    if (name == "length") return Found(Value(count));
    return Found(Value(static_cast<std::int64_t>(count - index0) - (name == "revindex0" ? 1 : 0)));
  }
  return Found();
}

void Loop::finish() {
  source = nullptr;
  accepts = nullptr;
  recurse = nullptr;
  accepted.clear();
  changed_values.reset();
}

}  // namespace lathe::text::jinja
