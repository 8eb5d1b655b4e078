#include "server/endpoints/generate.h"

#include "api/chat.h"
#include "api/completion.h"
#include "server/errors.h"
#include "server/json_body.h"

namespace lathe::server::endpoints {
namespace {

template <class Request>
GenerationSpec spec_of(Request& request, decltype(GenerationSpec::input) input) {
  return {std::move(request.model), std::move(input), std::move(request.sampling)};
}

}  // namespace

void ChatCompletions::operator()(const Call& call, std::shared_ptr<Responder> responder) const {
  if (auto refusal = refuse_unless_json(call.request)) return responder->send(std::move(*refusal));
  auto parsed = api::parse_chat_request(call.request.body);
  if (!parsed.ok()) return responder->send(to_response(error_of_request(parsed.error())));
  generate_answer(services, spec_of(*parsed, std::move(parsed->messages)),
                  {api::AnswerShape::chat, parsed->stream, parsed->include_usage},
                  std::move(responder));
}

void Completions::operator()(const Call& call, std::shared_ptr<Responder> responder) const {
  if (auto refusal = refuse_unless_json(call.request)) return responder->send(std::move(*refusal));
  auto parsed = api::parse_completion_request(call.request.body);
  if (!parsed.ok()) return responder->send(to_response(error_of_request(parsed.error())));
  generate_answer(services, spec_of(*parsed, std::move(parsed->prompt)),
                  {api::AnswerShape::completion, parsed->stream, parsed->include_usage},
                  std::move(responder));
}

}  // namespace lathe::server::endpoints
