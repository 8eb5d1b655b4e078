// From a matrix of a file to the panels that the kernels stream (kernels/packed.h). Nothing is
// lost: the packed values have the bits of the file's.
#pragma once

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "kernels/packed.h"
#include "tensor/tensor.h"

namespace lathe::ops {

// The types that are packed: f32, f16, bf16 and the block types.
inline constexpr std::size_t kFloatTypes = 3;
inline constexpr auto kPackedTypes = [] {
  std::array<tensor::DType, kFloatTypes + tensor::kBlockTypes.size()> types = {
      tensor::DType::f32, tensor::DType::f16, tensor::DType::bf16};
  std::copy(tensor::kBlockTypes.begin(), tensor::kBlockTypes.end(), types.begin() + kFloatTypes);
  return types;
}();

bool is_packed_type(tensor::DType dtype);
// Whether a tensor can be packed: a matrix of such a type whose rows are whole blocks of 32 values.
bool is_packable(const tensor::TensorView& view);

// How a type is packed: block types of fewer bits than 4 take 4, the levels of IQ4 take 8.
// REQUIRES: is_packed_type(dtype).
kernels::PackedFormat packed_format(tensor::DType dtype);

// Threads share the panels. REQUIRES: is_packable(matrix).
kernels::PackedWeights pack(const tensor::TensorView& matrix, Parallel& parallel);

}  // namespace lathe::ops
