// The values of block-quantised types, one function a type: the truth that faster kernels are held
// to.
//
// A block holds 32 or 256 values: one or two f16 scales, for the K types small scales of groups of
// 16 or 32 values in units of those, and the quantised integers, often with their high bits apart.
// Each value is computed in f32 in the order of ggml's own reference, so that it has its bits.
//
// Source: the block structs of ggml-common.h and dequantize_row_* of ggml-quants.c.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace lathe::tensor {

// Writes the values of one block: out has block_elements() floats, block has block_bytes() bytes.
using DequantizeBlock = void (*)(const std::byte* block, float* out);

// nullptr for types that are not made of blocks.
DequantizeBlock dequantize_block(DType dtype);

// All blocks, one after the other. REQUIRES: a block type, and bytes of whole blocks that hold
// out.size() values.
void dequantize(DType dtype, std::span<const std::byte> bytes, std::span<float> out);

}  // namespace lathe::tensor
