#include "api/completion.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/sampling_reader.h"

namespace lathe::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kDefaultMaxTokens = 16;

std::string read_prompt(ObjectReader& request) {
  const json* prompt = request.field("prompt");
  if (!prompt) {
    request.fail("prompt", Error::bad_input("the required field 'prompt' is missing"));
    return {};
  }
  if (prompt->is_string()) return prompt->get<std::string>();
  if (prompt->is_array() && prompt->size() == 1 && prompt->front().is_string()) {
    return prompt->front().get<std::string>();
  }
  if (prompt->is_array()) {
    request.fail("prompt", Error::unsupported("several prompts, or prompts of token ids, are not "
                                              "supported")
                               .fix_with("send one request for each prompt, as a string"));
  } else {
    request.fail("prompt", Error::bad_input("expected a string, not " + excerpt(*prompt)));
  }
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion_request(std::string_view body,
                                                   const RequestLimits& limits) {
  LATHE_TRY(const json value, parse_json(body, limits.max_depth));
  ObjectReader reader(value, "");
  if (reader.failed()) return reader.finish().error();
  CompletionRequest request;
  SharedFields shared = read_shared_fields(reader, limits);
  request.prompt = read_prompt(reader);
  reader.only_neutral("best_of", {"1"});
  reader.only_neutral("echo", {"false"});
  reader.only_neutral("logprobs");
  reader.only_neutral("suffix", {R"("")"});
  LATHE_CHECK(reader.finish());
  request.model = std::move(shared.model);
  request.sampling = std::move(shared.sampling);
  if (!request.sampling.max_tokens) request.sampling.max_tokens = kDefaultMaxTokens;
  request.stream = shared.stream;
  request.include_usage = shared.include_usage;
  return request;
}

}  // namespace lathe::api
