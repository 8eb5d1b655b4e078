#include "tensor/tensor.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/half.h"

namespace lathe::tensor {
namespace {

template <class T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

void dequantize_q8_0(std::span<const std::byte> bytes, std::span<float> out) {
  for (std::size_t block = 0; block * 32 < out.size(); ++block) {
    const std::byte* p = bytes.data() + block * 34;
    const float scale = f16_to_f32(load<std::uint16_t>(p));
    for (std::size_t i = 0; i < 32; ++i) {
      out[block * 32 + i] = scale * static_cast<float>(load<std::int8_t>(p + 2 + i));
    }
  }
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
    case DType::q8_0:
      dequantize_q8_0(view.bytes, out);
      return out;
    default:
      return Error::unsupported(
          fmt::format("values of type {} cannot be used as weights", to_string(view.dtype)));
  }
}

std::vector<std::byte> quantize_q8_0(std::span<const float> values) {
  LATHE_ASSERT(values.size() % 32 == 0);
  std::vector<std::byte> out(values.size() / 32 * 34);
  for (std::size_t block = 0; block < values.size() / 32; ++block) {
    const auto x = values.subspan(block * 32, 32);
    float largest = 0;
    for (const float v : x) largest = std::max(largest, std::fabs(v));
    const float scale = largest / 127.0f;
    const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
    std::byte* p = out.data() + block * 34;
    const std::uint16_t half = f32_to_f16(scale);
    std::memcpy(p, &half, 2);
    for (std::size_t i = 0; i < 32; ++i) {
      p[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(std::lround(x[i] * inverse)));
    }
  }
  return out;
}

}  // namespace lathe::tensor
