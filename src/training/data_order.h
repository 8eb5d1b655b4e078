// Which examples the next step takes: a fresh shuffle each epoch, made from the seed and the
// epoch's number alone, so that a resumed run goes on exactly where it stopped.
#pragma once

#include <cstdint>
#include <vector>

#include "training/example.h"

namespace lathe::training {

// Where a run stands in its data.
struct DataCursor {
  std::int64_t epoch = 0;
  std::size_t index = 0;  // into the epoch's order
};

class DataOrder {
 public:
  // examples must outlive it. batch_tokens: a batch takes examples until it has at least that many
  // tokens. REQUIRES: examples not empty.
  DataOrder(const std::vector<Example>& examples, std::size_t batch_tokens, std::uint64_t seed);

  std::vector<const Example*> next();

  const DataCursor& cursor() const { return cursor_; }
  void seek(const DataCursor& cursor);

  // Batches in so many epochs.
  std::int64_t count_batches(double epochs) const;

 private:
  void shuffle();

  const std::vector<Example>& examples_;
  std::size_t batch_tokens_;
  std::uint64_t seed_;
  DataCursor cursor_;
  std::vector<std::uint32_t> order_;
};

}  // namespace lathe::training
