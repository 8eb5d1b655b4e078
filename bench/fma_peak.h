// The f32 limit of the machine: independent fused multiply-adds on registers alone, no loads, on
// every thread of a pool at once, with the widest vectors that the processor has.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "os/clock.h"
#include "os/thread_pool.h"

namespace lathe::bench {

// Chains that run side by side: enough to hide a latency of 4 or 5 cycles on two ports.
inline constexpr std::size_t kChains = 12;

__attribute__((target("avx512f"))) inline float multiply_add_512(std::size_t rounds) {
  __m512 sums[kChains];
  const __m512 a = _mm512_set1_ps(0.999f);
  const __m512 b = _mm512_set1_ps(1e-3f);
  for (__m512& sum : sums) sum = a;
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (std::size_t j = 0; j < kChains; ++j) sums[j] = _mm512_fmadd_ps(sums[j], a, b);
  }
  for (std::size_t j = 1; j < kChains; ++j) sums[0] = _mm512_add_ps(sums[0], sums[j]);
  float lanes[16];
  _mm512_storeu_ps(lanes, sums[0]);
  return lanes[0];
}

__attribute__((target("avx2,fma"))) inline float multiply_add_256(std::size_t rounds) {
  __m256 sums[kChains];
  const __m256 a = _mm256_set1_ps(0.999f);
  const __m256 b = _mm256_set1_ps(1e-3f);
  for (__m256& sum : sums) sum = a;
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (std::size_t j = 0; j < kChains; ++j) sums[j] = _mm256_fmadd_ps(sums[j], a, b);
  }
  for (std::size_t j = 1; j < kChains; ++j) sums[0] = _mm256_add_ps(sums[0], sums[j]);
  return _mm_cvtss_f32(_mm256_castps256_ps128(sums[0]));
}

// GFLOP/s of one run of some 20 ms; 0 when the processor has no fused multiply-add.
inline double fma_gflops(os::ThreadPool& pool) {
  constexpr std::size_t kRounds = 8'000'000;
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return 0;
  std::atomic<float> used{0};  // so that no work is left out
  const os::SystemClock clock;
  const double start = clock.seconds();
  pool.run(pool.width(), [&](std::size_t) {
    used.store(wide ? multiply_add_512(kRounds) : multiply_add_256(kRounds));
  });
  const double seconds = clock.seconds() - start;
  const double lanes = wide ? 16 : 8;
  return 2e-9 * lanes * static_cast<double>(kChains * kRounds * pool.width()) / seconds;
}

}  // namespace lathe::bench
