// From f32 to block-quantised types: the scales that lose least, then rounding.
//
// q8_0 and q4_0 give the blocks of ggml's reference quantizer, bit for bit. For the K types, which
// have scales within scales, many choices are right; ours are searched group by group for the least
// squared error, large values counting more, as llama.cpp does without an importance matrix.
//
// Source: the block structs of ggml-common.h (dequantize.h reads them back).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tensor/dtype.h"

namespace lathe::tensor {

// Whether quantize() makes this type: q8_0, q4_0, q4_k, q6_k.
bool can_quantize(DType dtype);

// Blocks of the values, one after the other. Values beyond f16's range saturate a block's scale;
// NaN and infinity have no meaning here. REQUIRES: can_quantize(dtype), values.size() is a multiple
// of block_elements(dtype).
std::vector<std::byte> quantize(DType dtype, std::span<const float> values);

}  // namespace lathe::tensor
