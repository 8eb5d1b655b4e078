// Products of activations with weights, as linear() and mlp() share them (inference's part; for
// training, linear() records what flows back).
#pragma once

#include "ops/ops.h"

namespace lathe::ops {

// y = residual + bias, whichever is there: what the product is added to. Whether there is any.
bool start_with(Run& run, const LinearTerms& terms, const Value& y);

// y = x W^T (+= with accumulate), in as few bits as the run says and the weights allow.
// drawn: x's first rows that are of drawn tokens (Activations::by_row).
void multiply_by_transpose(Run& run, const Value& x, std::size_t drawn, const MatrixWeight& w,
                           const Value& y, bool accumulate);

// The same with all rows in f32.
void multiply_by_transpose(Run& run, const kernels::Matrix& x, std::size_t rows,
                           const MatrixWeight& w, float* c, bool accumulate);

}  // namespace lathe::ops
