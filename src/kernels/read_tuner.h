// How the weights of a product of few rows are read from memory: in which way a processor reads
// fastest is tried while products are made, and remembered for each shape.
//
// Processors differ: one needs many streams to keep its memory busy, another reads two faster than
// four. No way changes a bit of a result, so the first products of a shape take the ways in turns,
// and nothing is measured that is not work. Safe to call from any number of threads.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "kernels/packed.h"
#include "kernels/table.h"

namespace lathe::kernels {

// The ways that are tried. The first one is that of products whose weights come from caches.
std::span<const ReadAhead> ways_of_reading();

// The times of ways that are taken in turns: way 0, 1, …, 0, 1, …. One is as good as its usual
// share of a round's time, since a memory that others use too may be twice as fast a second later.
class WaysInTurns {
 public:
  static constexpr std::size_t kRounds = 9;

  explicit WaysInTurns(std::size_t ways) : seconds_(ways) {}
  // The one that has been taken least.
  std::size_t next() const;
  void add(std::size_t way, double seconds) { seconds_[way].push_back(seconds); }
  // Once each has been taken kRounds times: the one whose median share is smallest.
  std::optional<std::size_t> best() const;

 private:
  std::vector<std::vector<double>> seconds_;  // of each way, round by round
};

// What products have in common that are read alike.
struct ReadShape {
  PackedFormat format;  // of the first weights
  std::size_t rows = 0;
  std::size_t k = 0;
  std::size_t columns = 0;  // of all weights

  auto operator<=>(const ReadShape&) const = default;
};

class ReadTuner {
 public:
  // Calls product(way): the best one for the shape, or the next to be tried.
  void run(const ReadShape& shape, FunctionRef<void(ReadAhead)> product);
  // Nothing while ways are being tried.
  std::optional<ReadAhead> best(const ReadShape& shape) const;

 private:
  struct Found {
    WaysInTurns turns{ways_of_reading().size()};
    std::optional<std::size_t> best;
  };

  mutable std::mutex mutex_;
  std::map<ReadShape, Found> found_;
};

// The one that products of this process ask.
ReadTuner& read_tuner();

}  // namespace lathe::kernels
