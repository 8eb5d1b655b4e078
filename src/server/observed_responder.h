// A Responder that tells how its request ended, for metrics and the log.
#pragma once

#include <chrono>
#include <memory>

#include "server/router.h"

namespace lathe::server {

class ObservedResponder final : public Responder {
 public:
  ObservedResponder(std::shared_ptr<Responder> inner, std::string method, std::string route,
                    OutcomeObserver observe);
  ~ObservedResponder() override;

  void send(HttpResponse response) override;
  void begin(StreamHead head) override;
  void write(std::string bytes) override { inner_->write(std::move(bytes)); }
  void end() override;
  bool congested() const override { return inner_->congested(); }
  const std::shared_ptr<Cancellation>& cancellation() const override {
    return inner_->cancellation();
  }

 private:
  void report(int status);

  std::shared_ptr<Responder> inner_;
  OutcomeObserver observe_;
  Outcome outcome_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool reported_ = false;
};

}  // namespace lathe::server
