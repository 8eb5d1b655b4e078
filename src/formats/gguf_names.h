// Tensor names of a decoder, canonical (Hugging Face) to GGUF and back, and the order of rows
// in which the two store q_proj and k_proj. Internal to src/formats.
//
// Hugging Face keeps the two halves of a head's rotary pairs apart (rows 0 … d/2-1 with d/2 … d-1),
// llama.cpp side by side (rows 2i with 2i+1). Source: LlamaModel.permute in convert_hf_to_gguf.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// "model.layers.3.mlp.up_proj.weight" and "blk.3.ffn_up.weight"; nothing for any other name.
std::optional<std::string> canonical_name(std::string_view gguf_name);
std::optional<std::string> gguf_name(std::string_view canonical_name);

// Whether GGUF stores the rows of this (canonical) weight or bias interleaved; so it does for some
// families only.
bool has_interleaved_rows(const DecoderConfig& config, std::string_view canonical_name);

// The bytes of an interleaved matrix [rows, columns] or bias [rows] in Hugging Face's order.
// REQUIRES: rows is a multiple of head_dim, head_dim is even.
std::vector<std::byte> to_split_rows(const tensor::TensorView& matrix, std::int64_t head_dim);

// Writes a matrix in Hugging Face's order with its rows interleaved.
Status write_interleaved_rows(const tensor::TensorView& matrix, std::int64_t head_dim,
                              os::FileWriter& out);

}  // namespace lathe::formats
