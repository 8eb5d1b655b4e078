#include "server/endpoints/status.h"

#include "server/errors.h"

namespace lathe::server::endpoints {

HttpResponse Health::operator()(const Call&) const {
  HttpResponse response;
  response.body = R"({"status":"ok"})";
  return response;
}

HttpResponse Ready::operator()(const Call&) const {
  if (http.draining.load()) {
    return to_response(error_of_lookup(Error::unavailable("the server is stopping")));
  }
  if (Status ready = backend.ready(); !ready.ok()) {
    return to_response(error_of_lookup(Error::unavailable(ready.error().message())));
  }
  HttpResponse response;
  response.body = R"({"status":"ready"})";
  return response;
}

HttpResponse MetricsText::operator()(const Call&) const {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics.render(backend.load(), http);
  return response;
}

}  // namespace lathe::server::endpoints
