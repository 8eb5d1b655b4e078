// From a quantised tensor of a file to the panels that the kernels stream (kernels/packed.h).
// Nothing is lost: the packed values have the bits of the file's.
#pragma once

#include "base/parallel.h"
#include "kernels/packed.h"
#include "tensor/tensor.h"

namespace lathe::ops {

// How a block type is packed: types of fewer bits than 4 take 4, the levels of IQ4 take 8.
// REQUIRES: tensor::is_block_type(dtype).
kernels::PackedFormat packed_format(tensor::DType dtype);

// Threads share the panels. REQUIRES: a block type, two extents.
kernels::PackedWeights pack(const tensor::TensorView& matrix, Parallel& parallel);

}  // namespace lathe::ops
