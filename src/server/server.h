// The endpoint: routes, metrics and HTTP around a Backend. What `lathe serve` runs.
//
//   LATHE_TRY(StopSignals stop, StopSignals::install());
//   LATHE_TRY(const auto server, Server::start(backend, options, clock));
//   stop.wait();
//   server->drain();
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "os/clock.h"
#include "server/backend.h"
#include "server/http_server.h"

namespace lathe::server {

struct ServerOptions {
  HttpOptions http;
  bool log_requests = true;  // one line for each
};

class Server {
 public:
  // Answers when it returns. backend and clock outlive the server; the clock is read from many
  // threads. Errors: as HttpServer::start.
  static Result<std::unique_ptr<Server>> start(Backend& backend, const ServerOptions& options,
                                               const os::Clock& clock);
  // Stops at once, cancelling what is in flight; waits for the backend to let go of it.
  ~Server();

  std::uint16_t port() const;
  // "http://127.0.0.1:8080".
  std::string url() const;

  // Takes nothing new, lets requests in flight end, stops. Returns how many were cancelled because
  // they did not end within limits.drain_timeout.
  std::size_t drain();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lathe::server
