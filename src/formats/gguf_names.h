// Tensor names of a decoder, canonical (Hugging Face) to GGUF and back, and what llama.cpp's
// converter does to their values. Internal to src/formats.
//
// - Rows of q_proj and k_proj are interleaved in some families: Hugging Face keeps the two halves
// of
//   a head's rotary pairs apart (rows 0 … d/2-1 with d/2 … d-1), llama.cpp side by side (2i with
//   2i+1).
// - Rows of a fused matrix of queries, keys and values are sorted: all queries, all keys, all
//   values, where folders have them group by group (FusedQkv).
// - Gemma's norms are stored with the 1 that the model adds.
// - Experts' matrices are one tensor [experts, out, in]; older files have one for each expert.
//
// Source: convert_hf_to_gguf.py (LlamaModel.permute, FalconModel, GPTNeoXModel, Gemma2Model).
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

// How the rows of a weight stand in GGUF.
enum class RowOrder {
  as_in_folder,
  interleaved,  // the halves of each head
  sorted,       // queries, keys, values
};

// Where a GGUF file of a model has a weight, and how.
struct GgufPlace {
  std::string name;
  std::int64_t expert = -1;  // of a tensor [experts, out, in] that holds those of all; -1: alone
  float offset = 0;          // added to the values
  RowOrder order = RowOrder::as_in_folder;
};

// The names of one model's weights in both directions.
class GgufNames {
 public:
  enum class Experts { together, one_by_one };
  explicit GgufNames(const DecoderConfig& config, Experts experts = Experts::together);

  // REQUIRES: canonical_name is one of expected_tensors(config).
  const GgufPlace& place_of(std::string_view canonical_name) const;
  // The weights that the tensor of this name holds: one, or one for each expert. Empty: none.
  std::span<const std::string> canonical_names(std::string_view gguf_name) const;

 private:
  std::map<std::string, GgufPlace, std::less<>> places_;
  std::map<std::string, std::vector<std::string>, std::less<>> canonical_;
};

// The bytes of a stored matrix [rows, columns] or bias [rows] in the folder's order.
// REQUIRES: the shape is the one that the config calls for; order is not as_in_folder.
std::vector<std::byte> to_folder_rows(const tensor::TensorView& stored, RowOrder order,
                                      const DecoderConfig& config);

// Writes the rows of a folder's matrix or bias in GGUF's order. REQUIRES: the same shape.
Status write_rows(const tensor::TensorView& matrix, RowOrder order, const DecoderConfig& config,
                  os::FileWriter& out);

}  // namespace lathe::formats
