#include "tensor/dtype.h"

namespace lathe::tensor {

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::f64:
      return "f64";
    case DType::i8:
      return "i8";
    case DType::i16:
      return "i16";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::u8:
      return "u8";
    case DType::boolean:
      return "bool";
    case DType::q8_0:
      return "q8_0";
  }
  return "unknown";
}

std::size_t block_elements(DType dtype) { return dtype == DType::q8_0 ? 32 : 1; }

std::size_t block_bytes(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return 1;
    case DType::q8_0:
      return 34;
  }
  return 0;
}

std::optional<std::uint64_t> byte_size(DType dtype, std::uint64_t elements) {
  const std::uint64_t per_block = block_elements(dtype);
  if (elements % per_block != 0) return std::nullopt;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / per_block, std::uint64_t{block_bytes(dtype)}, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace lathe::tensor
