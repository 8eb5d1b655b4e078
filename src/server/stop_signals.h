// SIGTERM and SIGINT as something to wait for. The first one ends wait(); a second one ends the
// program at once, as if it were not handled. One object a process at a time.
#pragma once

#include "base/result.h"

namespace lathe::server {

class StopSignals {
 public:
  // From now on the signals are caught. Errors: io.
  static Result<StopSignals> install();

  StopSignals(StopSignals&& other) noexcept : reader_(other.reader_) { other.reader_ = -1; }
  StopSignals& operator=(StopSignals&&) = delete;
  // Gives the signals their usual meaning back.
  ~StopSignals();

  // Blocks until one has come, perhaps before the call. Returns its number.
  int wait();

 private:
  explicit StopSignals(int reader) : reader_(reader) {}
  int reader_;
};

}  // namespace lathe::server
