#include "server/server.h"

#include <fmt/format.h>

#include "base/log.h"
#include "server/metrics.h"
#include "server/routes.h"

namespace lathe::server {

// In the order of need: HTTP calls the router, which calls the metrics.
struct Server::Parts {
  Parts(Backend& backend, const ServerOptions& given, const os::Clock& clock)
      : options(given), router([this](const Outcome& outcome) { observe(outcome); }) {
    add_routes(router, GenerationServices{backend, metrics, clock}, *stats);
  }

  void observe(const Outcome& outcome) {
    metrics.record(outcome);
    if (!options.log_requests) return;
    log::info("{} {} {} {:.1f} ms", outcome.method, outcome.route, outcome.status,
              outcome.seconds * 1000);
  }

  ServerOptions options;
  std::shared_ptr<HttpStats> stats = std::make_shared<HttpStats>();
  Metrics metrics;
  Router router;
  std::unique_ptr<HttpServer> http;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Backend& backend, const ServerOptions& options,
                                              const os::Clock& clock) {
  auto parts = std::make_unique<Parts>(backend, options, clock);
  const Router& router = parts->router;
  LATHE_TRY(parts->http, HttpServer::start(
                             options.http,
                             [&router](HttpRequest request, std::shared_ptr<Responder> responder) {
                               router.handle(std::move(request), std::move(responder));
                             },
                             parts->stats));
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

std::uint16_t Server::port() const { return parts_->http->port(); }

std::string Server::url() const {
  const std::string& host = parts_->options.http.host;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}:{}", is_ipv6 ? "[" + host + "]" : host, port());
}

std::size_t Server::drain() { return parts_->http->drain(); }

}  // namespace lathe::server
