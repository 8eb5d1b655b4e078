// What this machine could do at most: the figures that speeds are shares of.
//
// Each limit is measured on all threads at once with loops that do nothing else: fused
// multiply-adds and 8-bit dot products on registers alone, and reading memory far larger than the
// caches in one stream a thread or several, on large pages. The best of several runs counts, since
// a limit is what the machine reaches undisturbed.
#pragma once

#include "base/parallel.h"
#include "kernels/table.h"

namespace lathe::kernels {

struct MachineLimits {
  double read_bytes = 0;  // a second
  double f32_ops = 0;     // multiplications and additions a second
  double int8_ops = 0;
  double bf16_ops = 0;  // 0: no tiles
};

// Takes about a second and 512 MiB. Tables without loops (ref) have limits of 0.
MachineLimits measure_limits(const Table& table, Parallel& parallel);

}  // namespace lathe::kernels
