// What this machine can do at most, for telling how near a measurement comes to it: memory that is
// read from outside the caches in one stream a thread or several, on large pages, and arithmetic on
// registers alone.
#pragma once

#include "base/large_memory.h"
#include "base/parallel.h"
#include "kernels/table.h"

namespace lathe::kernels {

// A second each: bytes read, multiplications and additions.
struct MachineLimits {
  double read_bytes = 0;
  double f32_ops = 0;
  double int8_ops = 0;
  double bf16_ops = 0;  // 0: no tiles
};

// Measures limits, all or one at a time. Not thread-safe.
class LimitMeter {
 public:
  using Limit = double MachineLimits::*;

  // Keeps both. Takes 512 MiB at the first measurement of memory.
  LimitMeter(const Table& table, Parallel& parallel) : table_(table), parallel_(parallel) {}

  // The best of several runs, since a limit is what the machine reaches undisturbed; about a
  // second. Tables without loops (ref) have limits of 0.
  MachineLimits measure_all();
  // What one limit is at this moment, in some 50 ms: a machine that others use too is not the same
  // a second later, so what is measured is to be held to the limits just before and after it.
  double measure_now(Limit limit);

 private:
  double best_of(Limit limit, int runs);
  double read_rate(int runs);
  double arithmetic_rate(std::size_t (*loop)(std::size_t), int runs);

  const Table& table_;
  Parallel& parallel_;
  LargeMemory memory_;
  std::size_t streams_ = 0;  // side by side that memory was read fastest in; 0: not known yet
};

}  // namespace lathe::kernels
