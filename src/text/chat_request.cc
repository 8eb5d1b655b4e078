#include "text/chat_request.h"

#include <fmt/format.h>

#include "text/jinja/json.h"

namespace lathe::text {
namespace {

using jinja::Kind;
using jinja::Mapping;
using jinja::Value;

constexpr std::uint64_t kMaxSteps = 100'000'000;  // of writing JSON: gigabytes

Result<std::string> write(const Value& value) {
  jinja::Budget budget(jinja::Limits{.steps = kMaxSteps});
  return jinja::write_json(budget, value);
}

Result<bool> flag(const Mapping& request, std::string_view name) {
  const Value* value = request.find(name);
  if (!value || value->is(Kind::none)) return false;
  if (const bool* given = value->boolean()) return *given;
  return Error::bad_input(fmt::format("{} is neither true nor false", name));
}

// The members that are not read here.
Result<std::string> other_members(const Mapping& request) {
  auto others = std::make_shared<Mapping>();
  for (const auto& [key, value] : request.entries()) {
    const std::string& name = *key.string();
    const bool read = name == "messages" || name == "tools" || name == "add_generation_prompt" ||
                      name == "continue_final_message";
    if (!read) LATHE_CHECK(others->set(key, value));
  }
  if (others->size() == 0) return std::string();
  return write(Value(jinja::MappingPointer(std::move(others))));
}

}  // namespace

Result<ChatRequest> read_chat_request(std::string_view json) {
  LATHE_TRY(const Value value, jinja::read_json(json));
  const Mapping* request = value.mapping();
  if (!request) return Error::bad_input("the request is not a JSON object");
  const Value* messages = request->find(std::string_view("messages"));
  if (!messages || !messages->sequence())
    return Error::bad_input("messages is missing, or no list")
        .fix_with("give {\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}");
  ChatRequest out;
  LATHE_TRY(out.messages_json, write(*messages));
  const Value* tools = request->find(std::string_view("tools"));
  if (tools && !tools->is(Kind::none)) {
    LATHE_TRY(out.options.tools_json, write(*tools));
  }
  LATHE_TRY(out.options.add_generation_prompt, flag(*request, "add_generation_prompt"));
  LATHE_TRY(out.options.continue_final_message, flag(*request, "continue_final_message"));
  LATHE_TRY(out.options.variables_json, other_members(*request));
  return out;
}

}  // namespace lathe::text
