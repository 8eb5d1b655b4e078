#include "ops/products.h"

#include <algorithm>

namespace lathe::ops {

using kernels::Matrix;
using kernels::Product;

bool start_with(Run& run, const LinearTerms& terms, const Value& y) {
  const VectorWeight* bias = terms.bias;
  const Value* residual = terms.residual;
  if (bias == nullptr && residual == nullptr) return false;
  LATHE_ASSERT(bias == nullptr || bias->size == y.columns);
  LATHE_ASSERT(residual == nullptr || (residual->rows == y.rows && residual->columns == y.columns));
  run.for_rows(y.rows, y.columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      std::copy_n(residual != nullptr ? residual->row(i) : bias->data, y.columns, y.row(i));
      if (residual != nullptr && bias != nullptr)
        run.table.add_scaled(bias->data, 1, y.columns, y.row(i));
    }
  });
  return true;
}

void multiply_by_transpose(Run& run, const Matrix& x, std::size_t rows, const MatrixWeight& w,
                           float* c, bool accumulate) {
  const Product product = {x, rows, w.columns, w.rows, c, w.rows, accumulate};
  if (w.is_packed()) return kernels::multiply(run.table, product, w.packed, run.parallel);
  if (w.panels != nullptr) return kernels::multiply(run.table, product, w.panels, run.parallel);
  kernels::multiply_unpacked(run.table, product, {w.f32, 1, w.columns}, run.pack, run.parallel);
}

void multiply_by_transpose(Run& run, const Value& x, std::size_t drawn, const MatrixWeight& w,
                           const Value& y, bool accumulate) {
  const auto product = [&](std::size_t first, std::size_t rows) {
    const Matrix from = {x.row(first), x.columns, 1};
    return Product{from, rows, w.columns, w.rows, y.row(first), w.rows, accumulate};
  };
  if (!w.is_packed() || run.activations == Activations::f32)
    return multiply_by_transpose(run, {x.data, x.columns, 1}, x.rows, w, y.data, accumulate);
  const std::size_t like_drawn = run.takes_tiles() ? drawn : x.rows;
  if (like_drawn > 0) {
    if (kernels::has_floats(w.packed.format.form)) {
      kernels::multiply(run.table, product(0, like_drawn), w.packed, run.parallel);
    } else {
      kernels::multiply(run.table, product(0, like_drawn), run.quantised(x.rows_of(0, like_drawn)),
                        w.packed, run.parallel);
    }
  }
  if (like_drawn == x.rows) return;
  const std::size_t others = x.rows - like_drawn;
  kernels::multiply(run.table, product(like_drawn, others),
                    run.tiled(x.rows_of(like_drawn, others)), w.packed, run.parallel);
}

}  // namespace lathe::ops
