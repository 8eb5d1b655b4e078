#include "server/cancellation.h"

namespace lathe::server {

void Cancellation::request(CancelReason reason) {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (requested()) return;
    reason_.store(reason, std::memory_order_release);
    callbacks.swap(callbacks_);
  }
  for (const auto& callback : callbacks) callback();
}

void Cancellation::on_request(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!requested()) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

}  // namespace lathe::server
