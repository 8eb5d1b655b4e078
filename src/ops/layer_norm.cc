#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

// As in rms_norm.cc: the sums over rows are cut the same way whatever the number of threads.
constexpr std::size_t kLayerNormSliceRows = 64;

struct LayerNormProblem {
  Value x, y;
  const VectorWeight* weight;
  const VectorWeight* bias;
  float epsilon;
};

void backward(Run& run, const LayerNormProblem& p) {
  const std::size_t width = p.x.columns;
  const float* dy = run.tape->gradient(p.y.id);
  std::vector<float> unused;
  float* dx = nullptr;
  if (p.x.id >= 0) {
    dx = run.tape->gradient(p.x.id);
  } else {
    unused.resize(p.x.size());
    dx = unused.data();
  }
  const bool learns = p.weight->learns() || p.bias->learns();
  const std::size_t slices = (p.x.rows + kLayerNormSliceRows - 1) / kLayerNormSliceRows;
  std::vector<float> sums(learns ? 2 * slices * width : 0);
  run.parallel.run(slices, [&](std::size_t slice) {
    float* dweight = learns ? sums.data() + 2 * slice * width : nullptr;
    float* dbias = learns ? dweight + width : nullptr;
    const std::size_t end = std::min(p.x.rows, (slice + 1) * kLayerNormSliceRows);
    for (std::size_t i = slice * kLayerNormSliceRows; i < end; ++i) {
      run.table.layer_norm_backward(p.x.row(i), p.weight->data, p.epsilon, dy + i * width, width,
                                    dx + i * width, dweight, dbias);
    }
  });
  for (std::size_t slice = 0; learns && slice < slices; ++slice) {
    const float* sum = sums.data() + 2 * slice * width;
    if (p.weight->learns()) run.table.add_scaled(sum, 1, width, p.weight->gradient);
    if (p.bias->learns()) run.table.add_scaled(sum + width, 1, width, p.bias->gradient);
  }
}

}  // namespace

Value layer_norm(Run& run, const Value& x, const VectorWeight& weight, const VectorWeight& bias,
                 float epsilon) {
  LATHE_ASSERT(weight.size == x.columns && bias.size == x.columns);
  const Value y = run.make(x.rows, x.columns, x.id >= 0 || weight.learns() || bias.learns());
  run.for_rows(x.rows, x.columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      run.table.layer_norm(x.row(i), weight.data, bias.data, epsilon, x.columns, y.row(i));
    }
  });
  if (y.id >= 0) {
    const LayerNormProblem problem = {x, y, &weight, &bias, epsilon};
    run.tape->record(y.id, [&run, problem] { backward(run, problem); });
  }
  return y;
}

}  // namespace lathe::ops
