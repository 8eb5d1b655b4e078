#include "server/routes.h"

#include "server/endpoints/catalogue.h"
#include "server/endpoints/embeddings.h"
#include "server/endpoints/generate.h"
#include "server/endpoints/status.h"

namespace lathe::server {

void add_routes(Router& router, const GenerationServices& services, const HttpStats& http) {
  Backend& backend = services.backend;
  router.add("POST", "/v1/chat/completions", endpoints::ChatCompletions{services});
  router.add("POST", "/v1/completions", endpoints::Completions{services});
  router.add("POST", "/v1/embeddings", endpoints::Embeddings{backend});
  router.add("GET", "/v1/models", endpoints::ListModels{backend});
  router.add("GET", "/v1/models/{model...}", endpoints::GetModel{backend});
  router.add("GET", "/v1/deployments", endpoints::ListDeployments{backend});
  router.add("GET", "/v1/deployments/{name}", endpoints::GetDeployment{backend});
  router.add("GET", "/v1/deployments/{name}/versions", endpoints::ListVersions{backend});
  router.add("GET", "/health", endpoints::Health{});
  router.add("GET", "/ready", endpoints::Ready{backend, http});
  router.add("GET", "/metrics", endpoints::MetricsText{backend, services.metrics, http});
}

}  // namespace lathe::server
