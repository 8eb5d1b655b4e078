// What can be asked: GET /v1/models, /v1/models/{model}, /v1/deployments, /v1/deployments/{name},
// /v1/deployments/{name}/versions. All read-only.
#pragma once

#include "server/backend.h"
#include "server/router.h"

namespace lathe::server::endpoints {

struct ListModels {
  Backend& backend;
  HttpResponse operator()(const Call& call) const;
};

struct GetModel {
  Backend& backend;
  HttpResponse operator()(const Call& call) const;
};

struct ListDeployments {
  Backend& backend;
  HttpResponse operator()(const Call& call) const;
};

struct GetDeployment {
  Backend& backend;
  HttpResponse operator()(const Call& call) const;
};

struct ListVersions {
  Backend& backend;
  HttpResponse operator()(const Call& call) const;
};

}  // namespace lathe::server::endpoints
