#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

// The weight's gradient is a sum over rows: slices of a fixed number of rows, each with a sum of
// its own, added in order, so that the number of threads does not change the result.
constexpr std::size_t kSliceRows = 64;

// What the rows are multiplied by: the weight itself, or, with an offset, a copy in the arena.
const float* factors(Run& run, const VectorWeight& weight) {
  if (weight.offset == 0) return weight.data;
  float* shifted = run.arena.floats(weight.size);
  for (std::size_t i = 0; i < weight.size; ++i) shifted[i] = weight.data[i] + weight.offset;
  return shifted;
}

void backward(Run& run, const Value& x, const VectorWeight& weight, float epsilon, const Value& y) {
  const float* factor = factors(run, weight);
  const float* dy = run.tape->gradient(y.id);
  std::vector<float> unused_dx;
  float* dx = nullptr;
  if (x.id >= 0) {
    dx = run.tape->gradient(x.id);
  } else {
    unused_dx.resize(x.size());
    dx = unused_dx.data();
  }
  const std::size_t slices = (x.rows + kSliceRows - 1) / kSliceRows;
  std::vector<float> sums(weight.learns() ? slices * x.columns : 0);
  run.parallel.run(slices, [&](std::size_t slice) {
    float* dweight = weight.learns() ? sums.data() + slice * x.columns : nullptr;
    for (std::size_t i = slice * kSliceRows; i < std::min(x.rows, (slice + 1) * kSliceRows); ++i) {
      run.table.rms_norm_backward(x.row(i), factor, epsilon, dy + i * x.columns, x.columns,
                                  dx + i * x.columns, dweight);
    }
  });
  for (std::size_t slice = 0; weight.learns() && slice < slices; ++slice) {
    run.table.add_scaled(sums.data() + slice * x.columns, 1, x.columns, weight.gradient);
  }
}

// Heads as rows of their own; the data and the gradient stay where they are.
Value in_rows_of(const Value& x, std::size_t columns) {
  return {x.data, x.size() / columns, columns, x.id};
}

}  // namespace

Value rms_norm(Run& run, const Value& whole, const VectorWeight& weight, float epsilon) {
  LATHE_ASSERT(weight.size > 0 && whole.columns % weight.size == 0);
  const Value x = in_rows_of(whole, weight.size);
  const Value y = run.make(x.rows, x.columns, x.id >= 0 || weight.learns());
  const float* factor = factors(run, weight);
  run.for_rows(x.rows, x.columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      run.table.rms_norm(x.row(i), factor, epsilon, x.columns, y.row(i));
    }
  });
  if (y.id >= 0)
    run.tape->record(y.id,
                     [&run, x, &weight, epsilon, y] { backward(run, x, weight, epsilon, y); });
  return in_rows_of(y, whole.columns);
}

}  // namespace lathe::ops
