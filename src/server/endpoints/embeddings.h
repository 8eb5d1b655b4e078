// POST /v1/embeddings.
#pragma once

#include "server/backend.h"
#include "server/router.h"

namespace lathe::server::endpoints {

struct Embeddings {
  Backend& backend;
  void operator()(const Call& call, std::shared_ptr<Responder> responder) const;
};

}  // namespace lathe::server::endpoints
