// The wish that a piece of work ends early, and why. One object a request, shared by the connection
// that notices and the work that obeys. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

namespace lathe::server {

enum class CancelReason { none, client_gone, timed_out, shutting_down };

class Cancellation {
 public:
  // The first reason stays. Runs the callbacks on the calling thread.
  void request(CancelReason reason);

  // Cheap enough to ask before every token.
  bool requested() const { return reason() != CancelReason::none; }
  CancelReason reason() const { return reason_.load(std::memory_order_acquire); }

  // Calls back once when the wish comes; at once when it has come already. Callbacks are quick and
  // do not block: they run on the server's threads.
  void on_request(std::function<void()> callback);

 private:
  std::atomic<CancelReason> reason_{CancelReason::none};
  std::mutex mutex_;
  std::vector<std::function<void()>> callbacks_;
};

}  // namespace lathe::server
