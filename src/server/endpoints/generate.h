// POST /v1/chat/completions and POST /v1/completions.
#pragma once

#include "server/generation.h"
#include "server/router.h"

namespace lathe::server::endpoints {

struct ChatCompletions {
  GenerationServices services;
  void operator()(const Call& call, std::shared_ptr<Responder> responder) const;
};

struct Completions {
  GenerationServices services;
  void operator()(const Call& call, std::shared_ptr<Responder> responder) const;
};

}  // namespace lathe::server::endpoints
