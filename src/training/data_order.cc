#include "training/data_order.h"

#include <cmath>
#include <numeric>
#include <random>

#include "base/result.h"

namespace lathe::training {

DataOrder::DataOrder(const std::vector<Example>& examples, std::size_t batch_tokens,
                     std::uint64_t seed)
    : examples_(examples), batch_tokens_(batch_tokens), seed_(seed) {
  LATHE_ASSERT(!examples.empty());
  shuffle();
}

// Fisher-Yates with our own reduction: the standard leaves std::shuffle's result to the
// implementation.
void DataOrder::shuffle() {
  order_.resize(examples_.size());
  std::iota(order_.begin(), order_.end(), 0u);
  std::mt19937_64 random(seed_ * 0x9e3779b97f4a7c15u + static_cast<std::uint64_t>(cursor_.epoch));
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random() % i]);
}

void DataOrder::seek(const DataCursor& cursor) {
  cursor_ = cursor;
  shuffle();
}

std::vector<const Example*> DataOrder::next() {
  std::vector<const Example*> batch;
  std::size_t tokens = 0;
  while (tokens < batch_tokens_) {
    if (cursor_.index == order_.size()) {
      ++cursor_.epoch;
      cursor_.index = 0;
      shuffle();
    }
    batch.push_back(&examples_[order_[cursor_.index++]]);
    tokens += batch.back()->tokens.size();
    if (batch.size() == examples_.size()) break;  // a small data set: no row twice in one batch
  }
  return batch;
}

std::int64_t DataOrder::count_batches(double epochs) const {
  double tokens = 0;
  for (const Example& example : examples_) tokens += static_cast<double>(example.tokens.size());
  const double mean = tokens / static_cast<double>(examples_.size());
  // A batch overshoots by half an example on average.
  const double batch = std::min(tokens, static_cast<double>(batch_tokens_) + mean / 2);
  return std::max<std::int64_t>(1, std::llround(epochs * tokens / batch));
}

}  // namespace lathe::training
