// Tensors from one element type to another: what imports and exports do to weights.
#pragma once

#include "base/parallel.h"
#include "base/result.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::tensor {

// Whether convert() writes this type: f32, f16, bf16 and what quantize.h makes.
bool can_convert_to(DType dtype);

// Writes the values in the other type to `out`, piece by piece over the threads, so that a few
// megabytes are held whatever the tensor's size. Errors: bad_input (a value that the type cannot
// say: NaN and infinity in blocks, too large for f16 or bf16); unsupported (no number); those of
// `out`. REQUIRES: can_convert_to(to), and rows that are whole blocks of it.
Status convert(const TensorView& view, DType to, Parallel& parallel, os::FileWriter& out);

// Whether the type says every value of the tensor without a change. REQUIRES: a plain type.
bool says_exactly(const TensorView& view, DType plain);

}  // namespace lathe::tensor
