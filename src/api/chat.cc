#include "api/chat.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/sampling_reader.h"

namespace lathe::api {
namespace {

using nlohmann::json;

// One part of an array content; only text can be read.
void append_part(const json& value, const std::string& path, bool first, std::string& text,
                 ObjectReader& message) {
  ObjectReader part(value, path);
  const std::string type = part.required_string("type", 64);
  if (!part.failed() && type != "text") {
    message.fail_as_is(Error::unsupported(fmt::format("content of the type '{}' is not supported",
                                                      excerpt(json(type))))
                           .at(part.path_of("type"))
                           .fix_with("send text"));
    return;
  }
  const json* piece = part.field("text");
  if (!piece || !piece->is_string()) {
    part.fail("text", Error::bad_input("expected a string"));
  } else {
    if (!first) text += '\n';
    text += piece->get_ref<const std::string&>();
  }
  if (Status status = part.finish(); !status.ok()) message.fail_as_is(status.error());
}

std::string read_content(ObjectReader& message, const RequestLimits& limits) {
  const json* content = message.field("content");
  if (!content) {
    message.fail("content", Error::bad_input("the required field 'content' is missing"));
    return {};
  }
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array() || content->empty()) {
    message.fail("content", Error::bad_input("expected a string or an array of text parts, not " +
                                             excerpt(*content)));
    return {};
  }
  if (content->size() > limits.max_parts) {
    message.fail("content", Error::limit(fmt::format("a message has at most {} parts, this one {}",
                                                     limits.max_parts, content->size())));
    return {};
  }
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    append_part((*content)[i], message.path_of(fmt::format("content[{}]", i)), i == 0, text,
                message);
  }
  return text;
}

Role read_role(ObjectReader& message) {
  const std::string role = message.required_string("role", 64);
  if (role == "system" || role == "developer") return Role::system;
  if (role == "user") return Role::user;
  if (role == "assistant") return Role::assistant;
  if (role == "tool" || role == "function") {
    message.fail("role", Error::unsupported(fmt::format("the role '{}' is not supported", role)));
  } else if (!message.failed()) {
    message.fail("role", Error::bad_input("expected system, developer, user or assistant, not " +
                                          excerpt(json(role))));
  }
  return Role::user;
}

Message read_message(const json& value, std::size_t index, const RequestLimits& limits,
                     ObjectReader& request) {
  ObjectReader reader(value, fmt::format("messages[{}]", index));
  Message message;
  if (!reader.failed()) {
    message.role = read_role(reader);
    message.content = read_content(reader, limits);
    // What clients send back of an earlier answer, as far as it says nothing.
    reader.only_neutral("tool_calls", {"[]"});
    reader.only_neutral("annotations", {"[]"});
    for (const char* name : {"name", "refusal", "audio", "function_call", "tool_call_id"}) {
      reader.only_neutral(name);
    }
  }
  if (Status status = reader.finish(); !status.ok()) request.fail_as_is(status.error());
  return message;
}

std::vector<Message> read_messages(ObjectReader& request, const RequestLimits& limits) {
  std::vector<Message> messages;
  const json* value = request.field("messages");
  if (!value || !value->is_array() || value->empty()) {
    request.fail("messages", Error::bad_input("expected an array of at least one message"));
    return messages;
  }
  if (value->size() > limits.max_messages) {
    request.fail("messages",
                 Error::limit(fmt::format("at most {} messages are allowed, here are {}",
                                          limits.max_messages, value->size())));
    return messages;
  }
  messages.reserve(value->size());
  for (std::size_t i = 0; i < value->size() && !request.failed(); ++i) {
    messages.push_back(read_message((*value)[i], i, limits, request));
  }
  return messages;
}

// max_completion_tokens is the newer name of max_tokens; both may stand there if they agree.
void read_max_completion_tokens(ObjectReader& request, SamplingOptions& sampling) {
  const auto newer = request.integer("max_completion_tokens", 1, INT32_MAX);
  if (!newer) return;
  if (sampling.max_tokens && *sampling.max_tokens != *newer) {
    request.fail("max_tokens", Error::bad_input("max_tokens and max_completion_tokens differ")
                                   .fix_with("send only max_completion_tokens"));
  }
  sampling.max_tokens = newer;
}

void judge_other_fields(ObjectReader& request) {
  request.only_neutral("logprobs", {"false"});
  request.only_neutral("top_logprobs", {"0"});
  request.only_neutral("response_format", {R"({"type":"text"})"});
  request.only_neutral("tools", {"[]"});
  request.only_neutral("tool_choice", {R"("none")", R"("auto")"});
  request.only_neutral("functions", {"[]"});
  request.only_neutral("function_call", {R"("none")", R"("auto")"});
  request.only_neutral("modalities", {R"(["text"])"});
  request.only_neutral("audio");
  request.only_neutral("reasoning_effort", {R"("none")"});
  request.only_neutral("verbosity", {R"("medium")"});
  request.only_neutral("web_search_options");
  request.only_neutral("store", {"false"});
  request.harmless({"metadata", "service_tier", "parallel_tool_calls", "prediction",
                    "prompt_cache_key", "prompt_cache_retention", "safety_identifier"});
}

}  // namespace

const char* to_string(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
  }
  return "user";
}

Result<ChatRequest> parse_chat_request(std::string_view body, const RequestLimits& limits) {
  LATHE_TRY(const json value, parse_json(body, limits.max_depth));
  ObjectReader reader(value, "");
  if (reader.failed()) return reader.finish().error();
  ChatRequest request;
  SharedFields shared = read_shared_fields(reader, limits);
  request.messages = read_messages(reader, limits);
  read_max_completion_tokens(reader, shared.sampling);
  judge_other_fields(reader);
  LATHE_CHECK(reader.finish());
  request.model = std::move(shared.model);
  request.sampling = std::move(shared.sampling);
  request.stream = shared.stream;
  request.include_usage = shared.include_usage;
  return request;
}

}  // namespace lathe::api
