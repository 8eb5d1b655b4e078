#include "server/http_server.h"

#include <fmt/format.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <future>
#include <thread>

#include "base/log.h"
#include "server/connection.h"

namespace lathe::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// A failing accept (out of descriptors) is tried again after this.
constexpr auto kAcceptBackOff = std::chrono::milliseconds(100);
// Cancelled requests have this long to say so to their clients.
constexpr auto kCancelGrace = std::chrono::seconds(2);

Result<asio::ip::address> parse_host(const std::string& host) {
  ErrorCode error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (!error) return address;
  return Error::bad_input(fmt::format("'{}' is not an IP address", host))
      .fix_with("use 127.0.0.1 for this machine alone, 0.0.0.0 for all its networks");
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpOptions& options, HttpHandler handler, std::shared_ptr<HttpStats> stats)
      : core_(std::make_shared<HttpCore>()),
        io_(static_cast<int>(options.threads)),
        acceptor_(asio::make_strand(io_)),
        back_off_(acceptor_.get_executor()) {
    core_->options = options;
    core_->handler = std::move(handler);
    core_->stats = std::move(stats);
  }

  Status listen() {
    LATHE_TRY(const auto address, parse_host(core_->options.host));
    const tcp::endpoint endpoint(address, core_->options.port);
    ErrorCode error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) return listen_error(error);
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void run() {
    accept();
    for (std::size_t i = 0; i < std::max<std::size_t>(core_->options.threads, 1); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  std::uint16_t port() const { return port_; }

  std::size_t drain() {
    core_->stats->draining.store(true);
    stop_accepting(true);
    for (const auto& connection : connections()) connection->close_if_idle();
    std::size_t cancelled = 0;
    if (!wait_for_connections(core_->options.limits.drain_timeout)) {
      const auto left = connections();
      cancelled = left.size();
      for (const auto& connection : left) connection->cancel(CancelReason::shutting_down);
    }
    if (cancelled > 0) wait_for_connections(kCancelGrace);
    stop();
    return cancelled;
  }

  // Order matters: Responders use the io_context, so it runs until the last of them is gone.
  void stop() {
    if (threads_.empty()) return;
    core_->stats->draining.store(true);
    core_->stopping.store(true);
    stop_accepting(false);
    for (const auto& connection : connections()) connection->stop();
    {
      std::unique_lock lock(core_->mutex);
      core_->changed.wait(lock, [&] { return core_->responders == 0; });
    }
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  Error listen_error(ErrorCode error) const {
    const std::string what = fmt::format("cannot listen on {} port {}: {}", core_->options.host,
                                         core_->options.port, error.message());
    if (error == asio::error::address_in_use) {
      return Error::already_exists(what).fix_with("stop the other program or choose another port");
    }
    return Error::io(what).fix_with("choose another host or port");
  }

  // Runs until the acceptor is closed, then says so: what was accepted last is admitted by then.
  void accept() {
    acceptor_.async_accept(asio::make_strand(io_), [this](ErrorCode error, tcp::socket socket) {
      if (!error) admit(std::move(socket));
      if (!acceptor_.is_open()) return accepting_.set_value();
      if (!error) return accept();
      log::warning("cannot accept a connection: {}", error.message());
      back_off_.expires_after(kAcceptBackOff);
      back_off_.async_wait([this](ErrorCode) {
        if (!acceptor_.is_open()) return accepting_.set_value();
        accept();
      });
    });
  }

  void admit(tcp::socket socket) {
    const auto open = static_cast<std::size_t>(core_->stats->connections_open.load());
    const std::size_t most = core_->options.limits.max_connections;
    if (open < most) return Connection::make(std::move(socket), core_)->start();
    core_->stats->connections_refused.fetch_add(1);
    // Telling them costs a connection too; past twice the bound they are just closed.
    if (open < 2 * most) Connection::make(std::move(socket), core_)->start_refusing();
  }

  // Waits until nothing more is admitted. Connections that the system has completed already are
  // taken first when they should still be served.
  void stop_accepting(bool take_waiting) {
    asio::post(acceptor_.get_executor(), [this, take_waiting] {
      ErrorCode error;
      while (take_waiting && acceptor_.is_open()) {
        tcp::socket socket = acceptor_.accept(asio::make_strand(io_), error);
        if (error) break;
        admit(std::move(socket));
      }
      acceptor_.close(error);
      back_off_.cancel();
    });
    accepting_ended_.wait();
  }

  std::vector<std::shared_ptr<Connection>> connections() {
    std::vector<std::shared_ptr<Connection>> alive;
    const std::lock_guard lock(core_->mutex);
    for (const auto& each : core_->connections) {
      if (auto connection = each.lock()) alive.push_back(std::move(connection));
    }
    return alive;
  }

  bool wait_for_connections(HttpLimits::Duration most) {
    std::unique_lock lock(core_->mutex);
    return core_->changed.wait_for(lock, most, [&] { return core_->connections.empty(); });
  }

  std::shared_ptr<HttpCore> core_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer back_off_;
  std::promise<void> accepting_;
  const std::shared_future<void> accepting_ended_{accepting_.get_future()};
  std::vector<std::thread> threads_;
  std::uint16_t port_ = 0;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { impl_->stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options,
                                                      HttpHandler handler,
                                                      std::shared_ptr<HttpStats> stats) {
  auto impl = std::make_unique<Impl>(options, std::move(handler), std::move(stats));
  LATHE_CHECK(impl->listen());
  impl->run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const { return impl_->port(); }

std::size_t HttpServer::drain() { return impl_->drain(); }

}  // namespace lathe::server
