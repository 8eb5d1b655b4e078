#include "server/errors.h"

#include "base/log.h"

namespace lathe::server {
namespace {

constexpr const char* kInvalid = "invalid_request_error";
constexpr const char* kServer = "server_error";
constexpr const char* kRetryAfterSeconds = "1";

WireError hidden(const Error& error) {
  log::error("a request failed ({}): {}", to_string(error.kind), error.message());
  return {500, {"the server failed to answer; its log says why", kServer, "", "internal_error"}};
}

WireError unavailable(std::string message) {
  return {503, {std::move(message), "service_unavailable_error", "", "unavailable"}};
}

WireError cancelled(CancelReason reason) {
  if (reason == CancelReason::timed_out) {
    return {504, {"the answer took longer than the server allows", kServer, "", "timeout"}};
  }
  return unavailable("the server is stopping; try again");
}

// The kinds that mean the same wherever they come from.
WireError common(const Error& error) {
  switch (error.kind) {
    case ErrorKind::bad_input:
      return {400, {error.message(), kInvalid, "", "invalid_value"}};
    case ErrorKind::unsupported:
      return {400, {error.message(), kInvalid, "", "unsupported_parameter"}};
    case ErrorKind::not_found:
      return {404, {error.message(), kInvalid, "", "not_found"}};
    case ErrorKind::already_exists:
      return {409, {error.message(), kInvalid, "", "already_exists"}};
    case ErrorKind::limit:
      return {400, {error.message(), kInvalid, "", "limit_exceeded"}};
    case ErrorKind::unavailable:
      return unavailable(error.message());
    case ErrorKind::cancelled:
      return cancelled(CancelReason::shutting_down);
    case ErrorKind::io:
    case ErrorKind::internal:
      return hidden(error);
  }
  return hidden(error);
}

}  // namespace

WireError error_of_request(const Error& error) {
  WireError made = common(error);
  made.body.param = error.where;
  return made;
}

WireError error_of_generation(const Error& error, std::string_view prompt_field,
                              CancelReason reason) {
  if (error.kind == ErrorKind::cancelled) return cancelled(reason);
  WireError made = common(error);
  if (error.kind == ErrorKind::not_found) {
    made.body.param = "model";
    made.body.code = "model_not_found";
  } else if (error.kind == ErrorKind::limit) {
    made.body.param = prompt_field;
    made.body.code = "context_length_exceeded";
  }
  return made;
}

WireError error_of_lookup(const Error& error) { return common(error); }

HttpResponse to_response(const WireError& error) {
  HttpResponse response;
  response.status = error.status;
  response.body = api::to_json(error.body);
  if (error.status == 503) response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

HttpResponse protocol_error(int status, std::string message) {
  const char* type = status < 500 ? kInvalid : kServer;
  return to_response({status, {std::move(message), type, "", ""}});
}

}  // namespace lathe::server
