#include "kernels/limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace lathe::kernels {
namespace {

constexpr int kRuns = 5;
constexpr int kRunsNow = 3;  // the first one may wait for threads that sleep
constexpr std::size_t kRounds = 400'000;
constexpr std::size_t kMemory = std::size_t{512} << 20;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

// The best of several runs of work(thread) on every thread: what all of them did, a second.
template <class Work>
double best_rate(Parallel& parallel, int runs, const Work& work) {
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    parallel.run(parallel.width(), [&](std::size_t thread) { work(thread); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 1 / seconds.count());
  }
  return best * static_cast<double>(parallel.width());
}

}  // namespace

double LimitMeter::read_rate(int runs) {
  const std::size_t part = kMemory / parallel_.width() / kLargePage * kLargePage;
  if (memory_ == nullptr) {
    memory_ = take_memory(kMemory);
    parallel_.run(parallel_.width(),
                  [&](std::size_t i) { std::memset(memory_.get() + i * part, 1, part); });
  }
  const auto rate = [&](std::size_t streams) {
    return best_rate(parallel_, runs, [&](std::size_t i) {
      table_.limits.read(memory_.get() + i * part, part, streams);
    });
  };
  if (streams_ != 0) return static_cast<double>(part) * rate(streams_);
  // Some processors read one stream a thread fastest, some several.
  double best = 0;
  for (const std::size_t streams : {1, 4, 8}) {
    const double found = rate(streams);
    if (found > best) streams_ = streams;
    best = std::max(best, found);
  }
  return static_cast<double>(part) * best;
}

double LimitMeter::arithmetic_rate(std::size_t (*loop)(std::size_t), int runs) {
  return static_cast<double>(loop(kRounds)) *
         best_rate(parallel_, runs, [loop](std::size_t) { loop(kRounds); });
}

double LimitMeter::best_of(Limit limit, int runs) {
  const LimitLoops& loops = table_.limits;
  if (limit == &MachineLimits::read_bytes) return loops.read == nullptr ? 0 : read_rate(runs);
  const auto loop = limit == &MachineLimits::f32_ops    ? loops.f32_ops
                    : limit == &MachineLimits::int8_ops ? loops.int8_ops
                                                        : loops.bf16_ops;
  return loop == nullptr ? 0 : arithmetic_rate(loop, runs);
}

MachineLimits LimitMeter::measure_all() {
  MachineLimits limits;
  for (const Limit limit : {&MachineLimits::read_bytes, &MachineLimits::f32_ops,
                            &MachineLimits::int8_ops, &MachineLimits::bf16_ops})
    limits.*limit = best_of(limit, kRuns);
  return limits;
}

double LimitMeter::measure_now(Limit limit) { return best_of(limit, kRunsNow); }

}  // namespace lathe::kernels
