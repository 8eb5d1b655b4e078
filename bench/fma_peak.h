// The f32 limit of the machine: independent fused multiply-adds on registers alone, no loads, on
// every thread of a pool at once, with the instructions of the kernels in use.
#pragma once

#include <atomic>
#include <cstddef>

#include "kernels/table.h"
#include "os/clock.h"
#include "os/thread_pool.h"

namespace lathe::bench {

// GFLOP/s of one run of some 20 ms; 0 for kernels without SIMD.
inline double fma_gflops(os::ThreadPool& pool) {
  constexpr std::size_t kRounds = 8'000'000;
  const auto loop = kernels::active().limits.f32_ops;
  if (loop == nullptr) return 0;
  std::atomic<std::size_t> operations{0};
  const os::SystemClock clock;
  const double start = clock.seconds();
  pool.run(pool.width(), [&](std::size_t) { operations += loop(kRounds); });
  return 1e-9 * static_cast<double>(operations) / (clock.seconds() - start);
}

}  // namespace lathe::bench
