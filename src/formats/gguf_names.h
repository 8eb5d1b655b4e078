// Tensor names of a decoder, canonical (Hugging Face) to GGUF and back, and the order of rows
// in which the two store q_proj and k_proj. Internal to src/formats.
//
// Hugging Face keeps the two halves of a head's rotary pairs apart (rows 0 … d/2-1 with d/2 … d-1),
// llama.cpp side by side (rows 2i with 2i+1). Source: LlamaModel.permute in convert_hf_to_gguf.py.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// Where a GGUF file of a model has a weight.
struct GgufPlace {
  std::string name;
  std::int64_t expert = -1;  // of a tensor [experts, out, in] that holds those of all; -1: alone
};

// The names of one model's weights in both directions.
class GgufNames {
 public:
  explicit GgufNames(const DecoderConfig& config);

  // REQUIRES: canonical_name is one of expected_tensors(config).
  const GgufPlace& place_of(std::string_view canonical_name) const;
  // The weights that the tensor of this name holds: one, or one for each expert. Empty: none.
  std::span<const std::string> canonical_names(std::string_view gguf_name) const;

 private:
  std::map<std::string, GgufPlace, std::less<>> places_;
  std::map<std::string, std::vector<std::string>, std::less<>> canonical_;
};

// Whether GGUF stores the rows of this (canonical) weight or bias interleaved; so it does for some
// families only.
bool has_interleaved_rows(const DecoderConfig& config, std::string_view canonical_name);

// Whether GGUF stores this norm's weights with the config's norm_offset added.
bool has_norm_offset(const DecoderConfig& config, std::string_view canonical_name);

// The bytes of an interleaved matrix [rows, columns] or bias [rows] in Hugging Face's order.
// REQUIRES: rows is a multiple of head_dim, head_dim is even.
std::vector<std::byte> to_split_rows(const tensor::TensorView& matrix, std::int64_t head_dim);

// Writes a matrix in Hugging Face's order with its rows interleaved.
Status write_interleaved_rows(const tensor::TensorView& matrix, std::int64_t head_dim,
                              os::FileWriter& out);

}  // namespace lathe::formats
