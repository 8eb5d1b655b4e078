// POST /v1/chat/completions: the request, read and validated.
// Source: OpenAI API reference, "Create chat completion".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"
#include "api/request_limits.h"
#include "base/result.h"

namespace lathe::api {

enum class Role { system, user, assistant };

// "system", "user", "assistant".
const char* to_string(Role role);

struct Message {
  Role role = Role::user;
  std::string content;  // UTF-8; an array of text parts is joined with newlines
};

struct ChatRequest {
  std::string model;
  std::vector<Message> messages;  // at least one
  SamplingOptions sampling;
  bool stream = false;
  bool include_usage = false;  // stream_options.include_usage
};

// Reads the body of a request. A field that would change the answer and is not supported, a field
// that is unknown, and a value out of range are errors, never ignored; fields that cannot change
// the answer (user, metadata, store, service_tier …) and neutral values (n: 1, tools: []) pass.
// Errors: bad_input, unsupported, limit; `where` is the parameter in OpenAI's notation
// ("messages[0].content"), empty when the body is not a JSON object at all.
Result<ChatRequest> parse_chat_request(std::string_view body, const RequestLimits& limits = {});

}  // namespace lathe::api
