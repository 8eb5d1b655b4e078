// Products with packed weights as plain loops over PackedPanels' definition (kernels/packed.h).
#include <algorithm>
#include <cmath>

#include "kernels/packed_row.h"
#include "kernels/ref/fill.h"

namespace lathe::kernels::ref {
namespace {

void multiply_exact(const MultiplyBlock& block, const PackedPanels& weights) {
  for (std::size_t column = 0; column < block.columns; ++column) {
    const PackedRow w(weights, column);
    for (std::size_t r = 0; r < block.rows; ++r) {
      float* c = block.c + r * block.c_stride + column;
      float sum = block.accumulate ? *c : 0.0f;
      for (std::size_t i = 0; i < block.k; ++i) {
        const float a = block.a.data[r * block.a.row_stride + i * block.a.col_stride];
        sum = std::fma(a, w.value(i), sum);
      }
      *c = sum;
    }
  }
}

void quantise_row(const float* x, std::size_t k, const QuantisedRow& out) {
  for (std::size_t block = 0; block < k / kPackedBlock; ++block, x += kPackedBlock) {
    float magnitude = 0;
    for (std::size_t i = 0; i < kPackedBlock; ++i) magnitude = std::max(magnitude, std::fabs(x[i]));
    const float per_step = magnitude > 0 ? 127.0f / magnitude : 0;
    const std::size_t at = block * out.group;
    std::int32_t sums[2] = {};
    for (std::size_t i = 0; i < kPackedBlock; ++i) {
      const auto steps = static_cast<std::int8_t>(std::nearbyint(x[i] * per_step));
      out.values[at * kPackedBlock + i] = steps;
      sums[i / 16] += steps;
    }
    out.scales[at] = magnitude / 127.0f;
    out.half_sums[2 * at] = sums[0];
    out.half_sums[2 * at + out.group] = sums[1];
    out.block_sums[at] = sums[0] + sums[1];
  }
}

// sum + the product of one block (or half of it) of a row of activations, which stand at `a`, and a
// row of weights.
float add_part(const QuantisedRows& a, const PackedRow& w, PackedFormat format, std::size_t block,
               std::size_t half, float sum) {
  const bool two = has_two_halves(format.form);
  std::int32_t dot = 0, total = 0;
  for (std::size_t i = two ? 16 * half : 0; i < (two ? 16 * (half + 1) : kPackedBlock); ++i) {
    const std::int32_t value = a.values[i];
    dot += value * w.integer(block, i);
    total += value;
  }
  const PackedScale s = w.scale(block, half);
  const float a_scale = *a.scales;
  sum = std::fma(static_cast<float>(dot), s.scale * a_scale, sum);
  if (has_minimum(format.form)) sum = std::fma(s.minimum, a_scale * static_cast<float>(total), sum);
  return sum;
}

void multiply_packed(const DotBlock& block, const PackedPanels& weights) {
  const std::size_t halves = has_two_halves(weights.format.form) ? 2 : 1;
  for (std::size_t column = 0; column < block.columns; ++column) {
    const PackedRow w(weights, column);
    for (std::size_t r = 0; r < block.rows; ++r) {
      float* c = block.c + r * block.c_stride + column;
      float sum = block.accumulate ? *c : 0.0f;
      for (std::size_t b = 0; b < weights.k / kPackedBlock; ++b) {
        for (std::size_t half = 0; half < halves; ++half)
          sum = add_part(block.a.from(r, b), w, weights.format, b, half, sum);
      }
      *c = sum;
    }
  }
}

}  // namespace

void fill_packed(Table& table) {
  table.multiply_exact = multiply_exact;
  table.multiply_floats = multiply_exact;
  table.quantise_row = quantise_row;
  table.multiply_packed = multiply_packed;
  table.multiply_row = multiply_packed;
}

}  // namespace lathe::kernels::ref
