#include "ops/weights.h"

#include <algorithm>

#include "base/result.h"
#include "kernels/packed_row.h"

namespace lathe::ops {

void read_row(const MatrixWeight& weight, std::size_t row, float* out) {
  LATHE_ASSERT(row < weight.rows && (weight.f32 != nullptr || weight.is_packed()));
  if (weight.f32 != nullptr) {
    std::copy_n(weight.f32 + row * weight.columns, weight.columns, out);
    return;
  }
  kernels::PackedRow(weight.packed, row).copy_to(out, weight.columns);
}

}  // namespace lathe::ops
