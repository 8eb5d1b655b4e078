#include "api/cards.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace lathe::api {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ModelCard& card) {
  return {
      {"id", card.id}, {"object", "model"}, {"created", card.created}, {"owned_by", card.owned_by}};
}

Json json_of(const VersionCard& card) {
  return {{"object", "deployment.version"}, {"deployment", card.deployment},
          {"version", card.version},        {"reference", card.reference},
          {"created", card.created},        {"in_charge", card.in_charge}};
}

Json json_of(const DeploymentCard& card) {
  return {{"object", "deployment"},
          {"name", card.name},
          {"version", card.version.empty() ? Json(nullptr) : Json(card.version)},
          {"reference", card.reference.empty() ? Json(nullptr) : Json(card.reference)},
          {"created", card.created},
          {"loaded", card.loaded}};
}

template <class Card>
std::string list_of(std::span<const Card> cards) {
  Json data = Json::array();
  for (const Card& card : cards) data.push_back(json_of(card));
  return compact({{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace

std::string to_json(const ModelCard& card) { return compact(json_of(card)); }
std::string to_json(const DeploymentCard& card) { return compact(json_of(card)); }
std::string to_json(std::span<const ModelCard> cards) { return list_of(cards); }
std::string to_json(std::span<const VersionCard> cards) { return list_of(cards); }
std::string to_json(std::span<const DeploymentCard> cards) { return list_of(cards); }

}  // namespace lathe::api
