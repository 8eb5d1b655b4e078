// The f32 values of block-quantised types: the truth that faster kernels are held to. What blocks
// are made of stands in quant_parts.h.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace lathe::tensor {

// All blocks, one after the other. REQUIRES: a block type, and bytes of whole blocks that hold
// out.size() values.
void dequantize(DType dtype, std::span<const std::byte> bytes, std::span<float> out);

}  // namespace lathe::tensor
