// Every endpoint and its path: the table that docs/openapi.yaml describes and a test compares.
#pragma once

#include "server/generation.h"
#include "server/router.h"

namespace lathe::server {

void add_routes(Router& router, const GenerationServices& services, const HttpStats& http);

}  // namespace lathe::server
