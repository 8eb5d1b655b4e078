// The element types of tensors in files and in memory, and how many bytes they take.
#pragma once

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
  q8_0,  // blocks of 32: an f16 scale, 32 int8 (llama.cpp's block_q8_0): value = scale * int8
};

// "f32", "bf16", "q8_0", … as users see it.
std::string_view to_string(DType dtype);

// Elements per block: 1 for plain types, 32 for q8_0. Rows are whole blocks.
std::size_t block_elements(DType dtype);
// Bytes per block.
std::size_t block_bytes(DType dtype);

// Bytes of `elements` values; nothing when they are no whole number of blocks or the size
// overflows.
std::optional<std::uint64_t> byte_size(DType dtype, std::uint64_t elements);

}  // namespace lathe::tensor
