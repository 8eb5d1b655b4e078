// A value that comes once, from one thread, and that any number of threads may wait for.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace lathe::engine {

template <class T>
class Completion {
 public:
  // REQUIRES: not set before.
  void set(T value) {
    {
      const std::lock_guard lock(mutex_);
      value_.emplace(std::move(value));
    }
    changed_.notify_all();
  }

  bool is_set() const {
    const std::lock_guard lock(mutex_);
    return value_.has_value();
  }

  // Blocks until it is set; never changes afterwards.
  const T& wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return value_.has_value(); });
    return *value_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<T> value_;
};

}  // namespace lathe::engine
