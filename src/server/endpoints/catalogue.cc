#include "server/endpoints/catalogue.h"

#include "server/errors.h"

namespace lathe::server::endpoints {
namespace {

HttpResponse json(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

template <class Card>
HttpResponse one(const Result<Card>& card) {
  if (!card.ok()) return to_response(error_of_lookup(card.error()));
  return json(api::to_json(*card));
}

template <class Card>
HttpResponse list(const Result<std::vector<Card>>& cards) {
  if (!cards.ok()) return to_response(error_of_lookup(cards.error()));
  return json(api::to_json(std::span<const Card>(*cards)));
}

}  // namespace

HttpResponse ListModels::operator()(const Call&) const { return list(backend.models()); }

HttpResponse GetModel::operator()(const Call& call) const {
  const auto card = backend.model(call.param("model"));
  if (card.ok() || card.error().kind != ErrorKind::not_found) return one(card);
  return to_response(error_of_generation(card.error(), "", CancelReason::none));
}

HttpResponse ListDeployments::operator()(const Call&) const { return list(backend.deployments()); }

HttpResponse GetDeployment::operator()(const Call& call) const {
  return one(backend.deployment(call.param("name")));
}

HttpResponse ListVersions::operator()(const Call& call) const {
  return list(backend.versions(call.param("name")));
}

}  // namespace lathe::server::endpoints
