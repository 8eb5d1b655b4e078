#include "api/error.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace lathe::api {
namespace {

using Json = nlohmann::ordered_json;

Json string_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string to_json(const ErrorBody& error) {
  const Json body = {{"error",
                      {{"message", error.message},
                       {"type", error.type},
                       {"param", string_or_null(error.param)},
                       {"code", string_or_null(error.code)}}}};
  return compact(body);
}

}  // namespace lathe::api
