#include "tensor/dequantize.h"

#include "base/half.h"
#include "base/result.h"
#include "tensor/quant_parts.h"

namespace lathe::tensor {
namespace {

// The values of one block (quant_parts.h).
void values_of(const QuantLayout& layout, const QuantParts& parts, std::span<float> out) {
  const float d = f16_to_f32(parts.d);
  const float m = f16_to_f32(parts.m);
  for (std::size_t group = 0; group * layout.group < out.size(); ++group) {
    const float scale = layout.small_scales ? d * static_cast<float>(parts.s[group]) : d;
    const float minimum = layout.small_scales ? -(m * static_cast<float>(parts.t[group])) : m;
    for (std::size_t i = group * layout.group; i < (group + 1) * layout.group; ++i) {
      out[i] = scale * static_cast<float>(parts.values[i] - layout.zero);
      if (layout.has_minimum) out[i] += minimum;
    }
  }
}

}  // namespace

void dequantize(DType dtype, std::span<const std::byte> bytes, std::span<float> out) {
  LATHE_ASSERT(is_block_type(dtype) && byte_size(dtype, out.size()) == bytes.size());
  const QuantLayout layout = quant_layout(dtype);
  const std::size_t elements = block_elements(dtype);
  const std::size_t size = block_bytes(dtype);
  QuantParts parts;
  for (std::size_t i = 0; i * elements < out.size(); ++i) {
    take_apart(dtype, bytes.data() + i * size, parts);
    values_of(layout, parts, out.subspan(i * elements, elements));
  }
}

}  // namespace lathe::tensor
