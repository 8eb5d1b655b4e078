// How far work on bytes is, as one line: "[####   ]  31 % 1.2 GB of 4.1 GB, 30.1 MB/s, 1 min 36 s
// left". Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "os/clock.h"

namespace lathe::cli {

class ByteRate {
 public:
  // The clock must outlive it.
  explicit ByteRate(const os::Clock& clock) : clock_(clock) {}

  // With the rate of the last seconds, once there is one. Fewer bytes than before begin anew.
  std::string text(std::uint64_t done, std::uint64_t all);

 private:
  void measure(std::uint64_t done);

  const os::Clock& clock_;
  double since_ = -1;
  std::uint64_t done_ = 0;
  double rate_ = 0;  // bytes a second
};

}  // namespace lathe::cli
