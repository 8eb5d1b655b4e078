// Activations in 8 bits, for products with packed weights: x = scale * value, value in [-127, 127],
// one scale for each 32 values of a row (the greatest magnitude over 127, in f32).
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::kernels {

struct QuantisedRows {
  const std::int8_t* values = nullptr;       // [rows, k]
  const float* scales = nullptr;             // [rows, k / 32]
  const std::int32_t* half_sums = nullptr;   // [rows, k / 16]: of the values
  const std::int32_t* block_sums = nullptr;  // [rows, k / 32]
  std::size_t k = 0;                         // a multiple of 32
};

// One row as it is written.
struct QuantisedRow {
  std::int8_t* values = nullptr;
  float* scales = nullptr;
  std::int32_t* half_sums = nullptr;
  std::int32_t* block_sums = nullptr;
};

}  // namespace lathe::kernels
