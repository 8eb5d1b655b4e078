// What a body must be before it is read as JSON.
#pragma once

#include <optional>

#include "server/http_message.h"

namespace lathe::server {

// Nothing when the body is declared as plain JSON, otherwise the 415 to answer with. Strict on
// purpose: a web page of another origin can send any other type without being asked first.
std::optional<HttpResponse> refuse_unless_json(const HttpRequest& request);

}  // namespace lathe::server
