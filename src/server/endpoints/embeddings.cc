#include "server/endpoints/embeddings.h"

#include "server/errors.h"
#include "server/json_body.h"

namespace lathe::server::endpoints {

void Embeddings::operator()(const Call& call, std::shared_ptr<Responder> responder) const {
  if (auto refusal = refuse_unless_json(call.request)) return responder->send(std::move(*refusal));
  auto parsed = api::parse_embedding_request(call.request.body);
  if (!parsed.ok()) return responder->send(to_response(error_of_request(parsed.error())));
  auto answer = [responder, model = parsed->model,
                 format = parsed->format](const Result<api::EmbeddingAnswer>& made) {
    if (!made.ok()) {
      const CancelReason reason = responder->cancellation()->reason();
      return responder->send(to_response(error_of_generation(made.error(), "input", reason)));
    }
    HttpResponse response;
    response.body = api::to_json(*made, model, format);
    responder->send(std::move(response));
  };
  backend.embed({std::move(parsed->model), std::move(parsed->inputs)}, std::move(answer),
                responder->cancellation());
}

}  // namespace lathe::server::endpoints
