// Stamps the stations of one request.
#pragma once

#include "engine/request.h"
#include "os/clock.h"

namespace lathe::engine {

class Timer {
 public:
  explicit Timer(const os::Clock& clock) : clock_(clock), submitted_(clock.seconds()) {}

  void start() {
    started_ = clock_.seconds();
    timing_.queued = started_ - submitted_;
  }
  void first_token() {
    const double now = clock_.seconds();
    timing_.prefill = now - started_;
    timing_.first_token = now - submitted_;
  }
  Timing end() {
    timing_.total = clock_.seconds() - submitted_;
    return timing_;
  }

 private:
  const os::Clock& clock_;
  double submitted_;
  double started_ = 0;
  Timing timing_;
};

}  // namespace lathe::engine
