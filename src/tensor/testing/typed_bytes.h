// For tests: values as a file has them in some type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/half.h"
#include "tensor/quantize.h"

namespace lathe::tensor::testing {

// REQUIRES: f32, f16, bf16, or a type that quantize() makes.
inline std::vector<std::byte> typed_bytes(DType dtype, std::span<const float> values) {
  if (is_block_type(dtype)) return quantize(dtype, values);
  const std::size_t size = block_bytes(dtype);
  std::vector<std::byte> bytes(size * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = dtype == DType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(&bytes[size * i], size == 4 ? static_cast<const void*>(&values[i]) : &half, size);
  }
  return bytes;
}

}  // namespace lathe::tensor::testing
