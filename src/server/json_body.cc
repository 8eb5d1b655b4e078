#include "server/json_body.h"

#include "server/errors.h"

namespace lathe::server {

std::optional<HttpResponse> refuse_unless_json(const HttpRequest& request) {
  if (!is_media_type(find_header(request.headers, "Content-Type"), "application/json")) {
    return protocol_error(415, "the body must be JSON; send Content-Type: application/json");
  }
  const std::string_view encoding = find_header(request.headers, "Content-Encoding");
  if (!encoding.empty() && !equal_ignoring_case(encoding, "identity")) {
    return protocol_error(415,
                          "a compressed body is not supported; send it without "
                          "Content-Encoding");
  }
  return std::nullopt;
}

}  // namespace lathe::server
