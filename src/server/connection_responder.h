// The Responder of one request of a Connection. Private to the HTTP server.
#pragma once

#include <memory>

#include "server/connection.h"

namespace lathe::server {

class ConnectionResponder final : public Responder {
 public:
  ConnectionResponder(std::shared_ptr<Connection> connection, std::shared_ptr<HttpCore> core,
                      std::shared_ptr<Exchange> exchange);
  ~ConnectionResponder() override;

  void send(HttpResponse response) override;
  void begin(StreamHead head) override;
  void write(std::string bytes) override;
  void end() override;
  bool congested() const override;
  const std::shared_ptr<Cancellation>& cancellation() const override {
    return exchange_->cancellation;
  }

 private:
  enum class Phase { nothing_sent, streaming, done };

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<HttpCore> core_;
  std::shared_ptr<Exchange> exchange_;
  Phase phase_ = Phase::nothing_sent;
};

}  // namespace lathe::server
