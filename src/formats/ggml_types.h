// The element types of GGUF tensors: ggml's numbers, names and block sizes. Internal to
// src/formats. Source: ggml.h (enum ggml_type) and ggml-common.h (the block structs).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/dtype.h"

namespace lathe::formats {

struct GgmlType {
  std::uint32_t number;
  std::string_view name;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
  std::optional<tensor::DType> dtype;  // nothing when Lathe cannot read the values
};

// nullptr for a number that ggml has not given (or has withdrawn).
const GgmlType* find_ggml_type(std::uint32_t number);

// nullptr when ggml has no such type.
const GgmlType* find_ggml_type(tensor::DType dtype);

}  // namespace lathe::formats
