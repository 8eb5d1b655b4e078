// Time as a dependency: code that waits or stamps takes a Clock, so that tests can own the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace lathe::os {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic seconds since an arbitrary start: for durations.
  virtual double seconds() const = 0;
  // Seconds since 1970-01-01 UTC: for stamps.
  virtual std::int64_t unix_seconds() const = 0;
};

class SystemClock final : public Clock {
 public:
  double seconds() const override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t unix_seconds() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

// Stands still until it is moved. Not thread-safe.
class FakeClock final : public Clock {
 public:
  double seconds() const override { return now_; }
  std::int64_t unix_seconds() const override {
    return 1'700'000'000 + static_cast<std::int64_t>(now_);
  }
  void advance(double seconds) { now_ += seconds; }

 private:
  double now_ = 0;
};

}  // namespace lathe::os
