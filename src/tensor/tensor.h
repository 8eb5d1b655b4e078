// A named block of typed values in memory, as files hold them: the meeting point of formats (which
// read and write them) and models (which make weights of them).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace lathe::tensor {

// Looks at bytes that somebody else owns (a mapped file, an OwnedTensor). Row-major, without gaps.
// INVARIANT: bytes.size() == byte_size(dtype, element_count(shape)).
struct TensorView {
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> bytes;
};

struct NamedTensor {
  std::string name;
  TensorView view;
};

// A view of f32 values.
TensorView view_of(std::span<const float> values, Shape shape);

// Every value as f32 (f32 f16 bf16 f64 and block types; integers are unsupported), in row-major
// order.
Result<std::vector<float>> to_f32(const TensorView& view);

// The bytes of a matrix with rows and columns exchanged. Errors: unsupported (block types).
// REQUIRES: two extents.
Result<std::vector<std::byte>> transposed(const TensorView& matrix);

}  // namespace lathe::tensor
