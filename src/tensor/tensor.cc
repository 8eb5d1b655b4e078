#include "tensor/tensor.h"

#include <fmt/format.h>

#include <cstring>

#include "base/half.h"
#include "tensor/dequantize.h"

namespace lathe::tensor {
namespace {

template <class T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

}  // namespace

TensorView view_of(std::span<const float> values, Shape shape) {
  return {DType::f32, std::move(shape), std::as_bytes(values)};
}

Result<std::vector<float>> to_f32(const TensorView& view) {
  const auto count = element_count(view.shape);
  LATHE_ASSERT(count.has_value() && byte_size(view.dtype, *count) == view.bytes.size());
  std::vector<float> out(*count);
  const std::byte* p = view.bytes.data();
  switch (view.dtype) {
    case DType::f32:
      if (!out.empty()) std::memcpy(out.data(), p, out.size() * sizeof(float));
      return out;
    case DType::f16:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = f16_to_f32(load<std::uint16_t>(p + 2 * i));
      return out;
    case DType::bf16:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = bf16_to_f32(load<std::uint16_t>(p + 2 * i));
      return out;
    case DType::f64:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<float>(load<double>(p + 8 * i));
      return out;
    default:
      if (is_block_type(view.dtype)) {
        dequantize(view.dtype, view.bytes, out);
        return out;
      }
      return Error::unsupported(
          fmt::format("values of type {} cannot be used as weights", to_string(view.dtype)));
  }
}

Result<std::vector<std::byte>> transposed(const TensorView& matrix) {
  LATHE_ASSERT(matrix.shape.size() == 2);
  if (is_block_type(matrix.dtype))
    return Error::unsupported(
        fmt::format("a matrix of type {} cannot be transposed", to_string(matrix.dtype)));
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  const std::size_t size = *byte_size(matrix.dtype, 1);
  std::vector<std::byte> out(matrix.bytes.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      std::memcpy(out.data() + (j * rows + i) * size,
                  matrix.bytes.data() + (i * columns + j) * size, size);
    }
  }
  return out;
}

}  // namespace lathe::tensor
