#include "server/observed_responder.h"

namespace lathe::server {
namespace {

constexpr int kClientGone = 499;
constexpr int kDropped = 500;

}  // namespace

ObservedResponder::ObservedResponder(std::shared_ptr<Responder> inner, std::string method,
                                     std::string route, OutcomeObserver observe)
    : inner_(std::move(inner)), observe_(std::move(observe)) {
  outcome_.method = std::move(method);
  outcome_.route = std::move(route);
}

ObservedResponder::~ObservedResponder() { report(kDropped); }

void ObservedResponder::send(HttpResponse response) {
  report(response.status);  // first: who reads the answer may read the metrics next
  inner_->send(std::move(response));
}

void ObservedResponder::begin(StreamHead head) {
  outcome_.status = head.status;
  inner_->begin(std::move(head));
}

void ObservedResponder::end() {
  report(outcome_.status);
  inner_->end();
}

void ObservedResponder::report(int status) {
  if (reported_) return;
  reported_ = true;
  outcome_.status = cancellation()->reason() == CancelReason::client_gone ? kClientGone : status;
  outcome_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  observe_(outcome_);
}

}  // namespace lathe::server
