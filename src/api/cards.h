// What the endpoint says of the things it serves: models in OpenAI's shape, deployments and their
// versions in Lathe's own, with UbiOps' words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lathe::api {

// Anything that a request may name as its model.
struct ModelCard {
  std::string id;  // "starter", "starter+helpdesk-lora", "helpdesk"
  std::int64_t created = 0;
  std::string owned_by = "lathe";
};

// An immutable answer: which model with which adaptations.
struct VersionCard {
  std::string deployment;
  std::string version;    // "1", "2", …
  std::string reference;  // "starter+helpdesk-lora"
  std::int64_t created = 0;
  bool in_charge = false;  // answers requests that name the deployment alone
};

struct DeploymentCard {
  std::string name;
  std::string version;    // the one in charge; empty (null) when none is
  std::string reference;  // what that version answers with
  std::int64_t created = 0;
  bool loaded = false;  // its model is in memory now
};

std::string to_json(const ModelCard& card);
std::string to_json(const DeploymentCard& card);
// {"object": "list", "data": […]}
std::string to_json(std::span<const ModelCard> cards);
std::string to_json(std::span<const VersionCard> cards);
std::string to_json(std::span<const DeploymentCard> cards);

}  // namespace lathe::api
