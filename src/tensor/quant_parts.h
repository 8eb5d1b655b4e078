// What a block of a quantised type is made of, the same for all of them:
//
//   value[i] = (d * s[i / group]) * (q[i] - zero)  [ - (m * t[i / group]) ]
//
// with q unsigned, d and m f16, s and t small integers (the K types and iq4_xs; elsewhere 1). Each
// operation is one of f32, in this order, which is that of ggml's own reference, so that values
// have its bits. The types without small scales add m instead of taking it off (q4_1, q5_1).
//
// Source: the block structs of ggml-common.h and dequantize_row_* of ggml-quants.c.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace lathe::tensor {

// What all blocks of a type have in common.
struct QuantLayout {
  int bits = 0;  // that q takes: 4, 5, 6 or 8; fewer are kept in 4
  int zero = 0;
  std::size_t group = 0;      // values that share s and t
  bool has_minimum = false;   // m, and t
  bool small_scales = false;  // s (and t) are there; d and m hold for 256 values
};

struct QuantParts {
  std::array<std::uint8_t, 256> values = {};   // block_elements() of them
  std::uint16_t d = 0, m = 0;                  // f16
  std::array<std::int8_t, 16> s = {}, t = {};  // by group
};

// REQUIRES: a block type.
QuantLayout quant_layout(DType dtype);
// block has block_bytes() bytes. REQUIRES: a block type.
void take_apart(DType dtype, const std::byte* block, QuantParts& out);

}  // namespace lathe::tensor
