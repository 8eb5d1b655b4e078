// POST /v1/completions: the request, read and validated.
// Source: OpenAI API reference, "Create completion".
#pragma once

#include <string>
#include <string_view>

#include "api/generation.h"
#include "api/request_limits.h"
#include "base/result.h"

namespace lathe::api {

struct CompletionRequest {
  std::string model;
  std::string prompt;        // UTF-8, given to the model as it is, without a chat template
  SamplingOptions sampling;  // max_tokens is 16 when the request has none, as at OpenAI
  bool stream = false;
  bool include_usage = false;
};

// As parse_chat_request. The prompt is a string, or an array of exactly one string.
Result<CompletionRequest> parse_completion_request(std::string_view body,
                                                   const RequestLimits& limits = {});

}  // namespace lathe::api
