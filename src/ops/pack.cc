#include "ops/pack.h"

#include <algorithm>

#include "base/result.h"
#include "tensor/quant_parts.h"

namespace lathe::ops {
namespace {

using kernels::kPackedBlock;
using kernels::kPackedLanes;
using kernels::QuantBlock;
using tensor::QuantLayout;
using tensor::QuantParts;

kernels::ScaleForm form_of(const QuantLayout& layout) {
  using kernels::ScaleForm;
  if (!layout.small_scales) return layout.has_minimum ? ScaleForm::block_min : ScaleForm::block;
  if (layout.has_minimum) return layout.group == 16 ? ScaleForm::super16_min : ScaleForm::super_min;
  return ScaleForm::super16;
}

// Block `index` of 32 values of a file's block.
QuantBlock block_of(const QuantLayout& layout, const QuantParts& parts, std::size_t index) {
  QuantBlock out;
  std::copy_n(parts.values.begin() + static_cast<std::ptrdiff_t>(index * kPackedBlock),
              kPackedBlock, out.values.begin());
  out.d = parts.d;
  out.m = parts.m;
  if (!layout.small_scales) return out;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::size_t group = (index * kPackedBlock + 16 * half) / layout.group;
    out.s[half] = static_cast<std::uint8_t>(parts.s[group]);
    out.t[half] = static_cast<std::uint8_t>(parts.t[group]);
  }
  return out;
}

// One panel of floats: the rows side by side, those past the last row zeros.
void pack_floats(const tensor::TensorView& matrix, std::size_t panel, kernels::PackedWeights& out) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  const std::size_t size = tensor::block_bytes(matrix.dtype);
  const std::size_t lanes = std::min(kPackedLanes, rows - panel * kPackedLanes);
  for (std::size_t block = 0; block < columns / kPackedBlock; ++block) {
    kernels::FloatRows from = {};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t first = (panel * kPackedLanes + lane) * columns + block * kPackedBlock;
      from[lane] = matrix.bytes.data() + first * size;
    }
    out.put(panel, block, from);
  }
}

// One panel of integers: the file's blocks of its 16 rows side by side, those past the last row
// zeros.
void pack_integers(const tensor::TensorView& matrix, std::size_t panel,
                   kernels::PackedWeights& out) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  const QuantLayout layout = tensor::quant_layout(matrix.dtype);
  const std::size_t elements = tensor::block_elements(matrix.dtype);
  const std::size_t size = tensor::block_bytes(matrix.dtype);
  const std::size_t blocks = columns / elements;
  const std::size_t pieces = elements / kPackedBlock;
  const std::size_t lanes = std::min(kPackedLanes, rows - panel * kPackedLanes);
  std::array<QuantParts, kPackedLanes> parts;
  kernels::QuantBlocks piece;
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t row = panel * kPackedLanes + lane;
      tensor::take_apart(matrix.dtype, matrix.bytes.data() + (row * blocks + block) * size,
                         parts[lane]);
    }
    for (std::size_t i = 0; i < pieces; ++i) {
      for (std::size_t lane = 0; lane < lanes; ++lane)
        piece[lane] = block_of(layout, parts[lane], i);
      out.put(panel, block * pieces + i, piece);
    }
  }
}

}  // namespace

bool is_packed_type(tensor::DType dtype) {
  return std::find(kPackedTypes.begin(), kPackedTypes.end(), dtype) != kPackedTypes.end();
}

bool is_packable(const tensor::TensorView& view) {
  return is_packed_type(view.dtype) && view.shape.size() == 2 && view.shape[0] > 0 &&
         view.shape[1] > 0 && view.shape[1] % std::int64_t{kPackedBlock} == 0;
}

kernels::PackedFormat packed_format(tensor::DType dtype) {
  using kernels::ScaleForm;
  if (dtype == tensor::DType::f32) return {32, 0, ScaleForm::f32};
  if (dtype == tensor::DType::f16) return {16, 0, ScaleForm::f16};
  if (dtype == tensor::DType::bf16) return {16, 0, ScaleForm::bf16};
  const QuantLayout layout = tensor::quant_layout(dtype);
  return {static_cast<std::uint8_t>(layout.bits), static_cast<std::uint8_t>(layout.zero),
          form_of(layout)};
}

kernels::PackedWeights pack(const tensor::TensorView& matrix, Parallel& parallel) {
  LATHE_ASSERT(is_packable(matrix));
  kernels::PackedWeights out(packed_format(matrix.dtype), static_cast<std::size_t>(matrix.shape[0]),
                             static_cast<std::size_t>(matrix.shape[1]));
  const auto pack_panel = tensor::is_block_type(matrix.dtype) ? pack_integers : pack_floats;
  parallel.run(out.panel_count(), [&](std::size_t panel) { pack_panel(matrix, panel, out); });
  return out;
}

}  // namespace lathe::ops
