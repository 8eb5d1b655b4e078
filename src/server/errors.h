// The one place where errors become HTTP statuses and OpenAI error objects.
//
//   of a request that was read      400, `param` names the field
//   not_found                       404 model_not_found (or not_found, for other things)
//   bad_input, unsupported          400
//   limit                           400 context_length_exceeded
//   already_exists                  409
//   unavailable                     503 with Retry-After
//   cancelled                       503 with Retry-After when the server stops, 504 after a timeout
//   io, internal                    500; the details go to the log, not to the client
#pragma once

#include <string>
#include <string_view>

#include "api/error.h"
#include "base/result.h"
#include "server/cancellation.h"
#include "server/http_message.h"

namespace lathe::server {

struct WireError {
  int status = 500;
  api::ErrorBody body;
};

// An error of parsing a request: where is the field.
WireError error_of_request(const Error& error);

// An error of making an answer. prompt_field is what a too long prompt is called there
// ("messages"); reason is why it was cancelled, if it was.
WireError error_of_generation(const Error& error, std::string_view prompt_field,
                              CancelReason reason);

// An error of looking something up.
WireError error_of_lookup(const Error& error);

HttpResponse to_response(const WireError& error);

// An error of HTTP itself: an unknown path, a method, a body that is not JSON.
HttpResponse protocol_error(int status, std::string message);

}  // namespace lathe::server
