// The element types of tensors in files and in memory, and how many bytes they take.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lathe::tensor {

enum class DType : std::uint8_t {
  f32,
  f16,
  bf16,
  f64,
  i8,
  i16,
  i32,
  i64,
  u8,
  boolean,
  // ggml's block types (dequantize.h): 32 values a block …
  q8_0,  // an f16 scale, 32 int8: value = scale * int8
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  iq4_nl,
  // … or 256, with small scales of groups of 16 or 32.
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_xs,
};

// Those of the second part.
inline constexpr std::array kBlockTypes = {DType::q8_0, DType::q4_0,   DType::q4_1, DType::q5_0,
                                           DType::q5_1, DType::iq4_nl, DType::q2_k, DType::q3_k,
                                           DType::q4_k, DType::q5_k,   DType::q6_k, DType::iq4_xs};

// "f32", "bf16", "q8_0", … as users see it.
std::string_view to_string(DType dtype);

// Whether values come in blocks that share scales.
bool is_block_type(DType dtype);

// Elements per block: 1 for plain types, 32 or 256 for block types. Rows are whole blocks.
std::size_t block_elements(DType dtype);
// Bytes per block.
std::size_t block_bytes(DType dtype);

// Bytes of `elements` values; nothing when they are no whole number of blocks or the size
// overflows.
std::optional<std::uint64_t> byte_size(DType dtype, std::uint64_t elements);

}  // namespace lathe::tensor
