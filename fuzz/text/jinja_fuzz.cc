// Any text as a template (and, after a zero byte, JSON as its variables): refused at parsing, or
// rendered within its limits, and twice the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "text/jinja/json.h"
#include "text/jinja/template.h"

using namespace lathe::text::jinja;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(text.find('\0'), size);
  RenderInput input{{}, 1751619903, {}};
  input.limits.steps = 200'000;
  input.limits.output_bytes = 1 << 20;
  if (zero < size) {
    const auto variables = read_json(text.substr(zero + 1));
    if (variables.ok() && variables.value().mapping())
      for (const auto& [name, value] : variables.value().mapping()->entries())
        input.variables.emplace_back(*name.string(), value);
  }
  const auto parsed = Template::parse(std::string(text.substr(0, zero)));
  if (!parsed.ok()) {
    if (parsed.error().message().empty()) std::abort();
    return 0;
  }
  const auto first = parsed.value().render(input);
  const auto second = parsed.value().render(input);
  if (first.ok() != second.ok()) std::abort();
  if (!first.ok()) {
    if (first.error().where.empty() || first.error().message() != second.error().message())
      std::abort();
    return 0;
  }
  if (first.value().text != second.value().text) std::abort();
  if (first.value().text.size() > input.limits.output_bytes) std::abort();
  for (const auto& span : first.value().generations)
    if (span.begin > span.end || span.end > first.value().text.size()) std::abort();
  return 0;
}
