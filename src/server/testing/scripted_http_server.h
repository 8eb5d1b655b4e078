// A fixture with an HTTP server whose handler does what the path says: for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "base/log.h"
#include "server/http_server.h"
#include "server/testing/http_client.h"

namespace lathe::server::testing {

class ScriptedHttpServer : public ::testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::off); }
  void TearDown() override {
    release_held();
    server_.reset();
    log::set_level(log::Level::info);
  }

  void start(const HttpLimits& limits = {}) {
    HttpOptions options;
    options.limits = limits;
    options.limits.linger_timeout = std::chrono::milliseconds(200);
    auto started = HttpServer::start(
        options,
        [this](HttpRequest request, std::shared_ptr<Responder> responder) {
          handle(std::move(request), std::move(responder));
        },
        stats_);
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(*started);
  }

  std::uint16_t port() const { return server_->port(); }

  // /echo: method, target and body at once. /hold: kept for the test. /drop: dropped. /throw.
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) {
    const std::string path(request.path());
    if (path == "/drop") return;
    if (path == "/throw") throw std::runtime_error("a bug");
    if (path == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
      return;
    }
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.target + " " + request.body;
    responder->send(std::move(response));
  }

  // The responder of the next request for /hold.
  std::shared_ptr<Responder> next_held() {
    std::shared_ptr<Responder> taken;
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      if (held_.empty()) return false;
      taken = std::move(held_.back());
      held_.pop_back();
      return true;
    }));
    return taken;
  }

  void release_held() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

  static HttpResponse text(std::string body) {
    HttpResponse response;
    response.body = std::move(body);
    return response;
  }

  std::shared_ptr<HttpStats> stats_ = std::make_shared<HttpStats>();
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Responder>> held_;
};

}  // namespace lathe::server::testing
