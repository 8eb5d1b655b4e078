// Every weight that a model of a config has: which part of the decoder it is, its shape, and its
// canonical name, which is the one in the Hugging Face folders of its family. One list that
// reading, checking, loading, training and writing walk.
//
// Matrices are [out, in] everywhere behind ModelSource. A file may hold them otherwise: GPT-2's
// folders store [in, out].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/decoder_config.h"
#include "tensor/shape.h"

namespace lathe::formats {

enum class Part {
  embedding,           // [vocab, hidden]
  position_embedding,  // [max_positions, hidden]
  attention_norm,
  q,
  k,
  v,
  qkv,  // q, k and v in one (FusedQkv)
  q_norm,
  k_norm,
  o,
  post_attention_norm,
  mlp_norm,
  gate,
  up,
  gate_up,  // gate and up in one
  down,
  post_mlp_norm,
  router,  // [experts, hidden]
  expert_gate,
  expert_up,
  expert_down,
  final_norm,
  head,  // [vocab, hidden]; there is none when embeddings are tied
};

struct ExpectedTensor {
  std::string name;  // canonical, with ".weight" or ".bias"
  tensor::Shape shape;
  Part part = Part::embedding;
  std::int64_t layer = -1;   // -1: outside the layers
  std::int64_t expert = -1;  // -1: of no expert
  bool bias = false;
  bool stored_transposed = false;  // a Hugging Face folder has it as [in, out]
};

// In the order of the forward pass, a bias after its matrix. REQUIRES: check(config) passed.
std::vector<ExpectedTensor> expected_tensors(const DecoderConfig& config);

// The name of the head's module, which a tied one has too: "lm_head".
std::string head_module(const DecoderConfig& config);

// The name of a tensor without ".weight" or ".bias".
std::string_view module_of(const ExpectedTensor& tensor);

}  // namespace lathe::formats
