// HTTP/1.1 on a few threads: keep-alive, bounded and timed in every phase, streams with
// back-pressure, clients that go away noticed, draining. It knows no endpoint: every well-formed
// request goes to one handler.
//
// Thread-safety: all methods may be called from any thread but the server's own.
// Source: RFC 9110 and 9112; parsing is Boost.Beast's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "server/responder.h"

namespace lathe::server {

struct HttpLimits {
  std::size_t max_connections = 512;               // more get 503 and are closed
  std::size_t max_header_bytes = 16 << 10;         // more is 431
  std::size_t max_body_bytes = 4 << 20;            // more is 413
  std::size_t congested_bytes = 64 << 10;          // unread bytes of a stream that mean congested()
  std::size_t max_stream_backlog_bytes = 1 << 20;  // unread bytes that end the stream

  using Duration = std::chrono::milliseconds;
  Duration header_timeout = std::chrono::seconds(10);   // from the first byte (or the connect) on
  Duration body_timeout = std::chrono::seconds(30);     // for the whole body
  Duration idle_timeout = std::chrono::seconds(75);     // between requests
  Duration write_timeout = std::chrono::seconds(30);    // for what is waiting to be taken
  Duration request_timeout = std::chrono::minutes(10);  // for the handler: then cancelled
  Duration linger_timeout = std::chrono::seconds(2);    // for the client to read a last answer
  Duration drain_timeout = std::chrono::seconds(30);    // for requests in flight when draining
};

struct HttpOptions {
  std::string host = "127.0.0.1";  // an IP address, or "localhost"
  std::uint16_t port = 0;          // 0: any free one
  std::size_t threads = 2;
  HttpLimits limits;
};

// Counted by the server, read by whoever wants to. Atomic each.
struct HttpStats {
  std::atomic<std::int64_t> connections_open{0};
  std::atomic<std::int64_t> connections_refused{0};  // over max_connections
  std::atomic<std::int64_t> protocol_errors{0};      // answered before any handler saw them
  std::atomic<bool> draining{false};
};

class HttpServer {
 public:
  // Listens when it returns. Errors: bad_input (host), already_exists (port in use), io.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, HttpHandler handler,
                                                   std::shared_ptr<HttpStats> stats);

  // Stops at once: requests in flight are cancelled. Waits until every Responder is dropped.
  ~HttpServer();

  std::uint16_t port() const;

  // Takes no new connections, closes the idle ones, lets the requests in flight end (for at most
  // drain_timeout, then cancels them), and stops. Returns how many had to be cancelled.
  std::size_t drain();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::server
