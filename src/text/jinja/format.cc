#include "text/jinja/format.h"

#include "text/jinja/unicode.h"

namespace lathe::text::jinja {
namespace {

struct PadSizes {
  std::size_t left = 0;
  std::size_t right = 0;
};

PadSizes pad_sizes(Alignment alignment, std::size_t missing, std::size_t width) {
  switch (alignment) {
    case Alignment::left:
      return {0, missing};
    case Alignment::right:
      return {missing, 0};
    case Alignment::center: {
      const std::size_t left = missing / 2 + (missing & width & 1);  // as str.center rounds
      return {left, missing - left};
    }
    case Alignment::middle:
      return {missing / 2, missing - missing / 2};
  }
  return {};
}

void append_times(std::string& out, std::string_view text, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) out += text;
}

// str.replace("", to): `to` before every code point and at the end.
std::string interleave(std::string_view text, std::string_view to, std::size_t limit) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = decode_at(text, i).size;
    if (done++ < limit) out += to;
    out += text.substr(i, size);
    i += size;
  }
  if (done < limit) out += to;
  return out;
}

}  // namespace

Result<std::string> pad_text(Budget& budget, std::string_view text, const Padding& padding) {
  const auto size = static_cast<std::int64_t>(count_code_points(text));
  if (padding.width <= size) return std::string(text);
  const auto width = static_cast<std::size_t>(padding.width);
  LATHE_CHECK(budget.can_make_bytes(padding.fill.size(), width));
  const PadSizes sizes =
      pad_sizes(padding.alignment, width - static_cast<std::size_t>(size), width);
  std::string out;
  append_times(out, padding.fill, sizes.left);
  out += text;
  append_times(out, padding.fill, sizes.right);
  return out;
}

Result<std::string> replace_text(Budget& budget, std::string_view text, std::string_view from,
                                 std::string_view to, std::int64_t count) {
  const std::size_t limit = count < 0 ? std::string_view::npos : static_cast<std::size_t>(count);
  LATHE_CHECK(budget.spend_bytes(text.size()));
  if (from.empty()) {
    LATHE_CHECK(budget.can_make_bytes(to.size() + 1, text.size() + 1));
    return interleave(text, to, limit);
  }
  std::string out;
  std::size_t at = 0;
  for (std::size_t done = 0; done < limit; ++done) {
    const std::size_t found = text.find(from, at);
    if (found == std::string_view::npos) break;
    out += text.substr(at, found - at);
    out += to;
    at = found + from.size();
    LATHE_CHECK(budget.can_make_bytes(out.size()));
  }
  out += text.substr(at);
  return out;
}

}  // namespace lathe::text::jinja
