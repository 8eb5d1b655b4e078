// The error object of every endpoint: {"error":{"message","type","param","code"}}.
// Source: OpenAI API reference, "Error codes".
#pragma once

#include <string>

namespace lathe::api {

struct ErrorBody {
  std::string message;
  std::string type;   // "invalid_request_error", "server_error", …
  std::string param;  // the field that is wrong; empty becomes null
  std::string code;   // for programs: "model_not_found", …; empty becomes null
};

std::string to_json(const ErrorBody& error);

}  // namespace lathe::api
