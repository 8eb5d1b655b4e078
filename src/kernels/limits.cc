#include "kernels/limits.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace lathe::kernels {
namespace {

constexpr int kRuns = 5;
constexpr std::size_t kRounds = 400'000;
constexpr std::size_t kMemory = std::size_t{512} << 20;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

// The best of several runs of work(thread) on every thread: what all of them did, a second.
template <class Work>
double best_rate(Parallel& parallel, const Work& work) {
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    parallel.run(parallel.width(), [&](std::size_t thread) { work(thread); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 1 / seconds.count());
  }
  return best * static_cast<double>(parallel.width());
}

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};

double read_rate(const Table& table, Parallel& parallel) {
  const std::unique_ptr<std::byte, Free> memory(
      static_cast<std::byte*>(std::aligned_alloc(kLargePage, kMemory)));
  if (memory == nullptr) return 0;
  ::madvise(memory.get(), kMemory, MADV_HUGEPAGE);  // a wish
  const std::size_t part = kMemory / parallel.width() / kLargePage * kLargePage;
  parallel.run(parallel.width(),
               [&](std::size_t i) { std::memset(memory.get() + i * part, 1, part); });
  double best = 0;
  // Some processors read one stream a thread fastest, some several.
  for (const std::size_t streams : {1, 4, 8}) {
    best = std::max(best, best_rate(parallel, [&](std::size_t i) {
                      table.limits.read(memory.get() + i * part, part, streams);
                    }));
  }
  return static_cast<double>(part) * best;
}

double arithmetic_rate(std::size_t (*loop)(std::size_t), Parallel& parallel) {
  return static_cast<double>(loop(kRounds)) *
         best_rate(parallel, [loop](std::size_t) { loop(kRounds); });
}

}  // namespace

MachineLimits measure_limits(const Table& table, Parallel& parallel) {
  MachineLimits limits;
  if (table.limits.read == nullptr) return limits;
  limits.read_bytes = read_rate(table, parallel);
  limits.f32_ops = arithmetic_rate(table.limits.f32_ops, parallel);
  limits.int8_ops = arithmetic_rate(table.limits.int8_ops, parallel);
  if (table.limits.bf16_ops != nullptr)
    limits.bf16_ops = arithmetic_rate(table.limits.bf16_ops, parallel);
  return limits;
}

}  // namespace lathe::kernels
