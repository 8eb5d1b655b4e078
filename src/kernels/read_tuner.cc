#include "kernels/read_tuner.h"

#include <algorithm>
#include <chrono>

namespace lathe::kernels {
namespace {

// Fewer bytes of weights come from caches, or pass before a difference could be seen.
constexpr std::size_t kWorthTrying = 1 << 20;

constexpr ReadAhead kWays[] = {{4, 1024}, {2, 2048}, {1, 4096}, {8, 1024}};

std::size_t weight_bytes(const ReadShape& shape) {
  return shape.columns / kPackedLanes * packed_panel_bytes(shape.format, shape.k);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::span<const ReadAhead> ways_of_reading() { return kWays; }

std::size_t WaysInTurns::next() const {
  const auto least =
      std::min_element(seconds_.begin(), seconds_.end(),
                       [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return static_cast<std::size_t>(least - seconds_.begin());
}

std::optional<std::size_t> WaysInTurns::best() const {
  if (seconds_[next()].size() < kRounds) return std::nullopt;
  std::vector<std::vector<double>> shares(seconds_.size());
  for (std::size_t round = 0; round < kRounds; ++round) {
    double all = 0;
    for (const auto& way : seconds_) all += way[round];
    for (std::size_t way = 0; way < seconds_.size(); ++way)
      shares[way].push_back(seconds_[way][round] / all);
  }
  const auto smallest =
      std::min_element(shares.begin(), shares.end(),
                       [](const auto& a, const auto& b) { return median(a) < median(b); });
  return static_cast<std::size_t>(smallest - shares.begin());
}

void ReadTuner::run(const ReadShape& shape, FunctionRef<void(ReadAhead)> product) {
  if (weight_bytes(shape) < kWorthTrying) return product(kWays[0]);
  std::unique_lock lock(mutex_);
  Found& found = found_[shape];  // stays where it is
  const bool tries = !found.best.has_value();
  const std::size_t way = tries ? found.turns.next() : *found.best;
  lock.unlock();
  const auto start = std::chrono::steady_clock::now();
  product(kWays[way]);
  if (!tries) return;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  lock.lock();
  if (found.best.has_value()) return;  // another thread was the last
  found.turns.add(way, took.count());
  found.best = found.turns.best();
}

std::optional<ReadAhead> ReadTuner::best(const ReadShape& shape) const {
  const std::lock_guard lock(mutex_);
  const auto found = found_.find(shape);
  if (found == found_.end() || !found->second.best.has_value()) return std::nullopt;
  return kWays[*found->second.best];
}

ReadTuner& read_tuner() {
  static ReadTuner tuner;
  return tuner;
}

}  // namespace lathe::kernels
