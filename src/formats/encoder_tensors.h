// Every weight that an encoder of a config has: which part it is, its shape, and its canonical
// name, which is the one in the Hugging Face folders of its family without the family's prefix
// ("bert."). One list that reading, checking and loading walk.
//
// Matrices are [out, in].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/encoder_config.h"
#include "tensor/shape.h"

namespace lathe::formats {

enum class EncoderPart {
  token_embedding,     // [vocab, hidden]
  position_embedding,  // [positions, hidden]
  type_embedding,      // [token_types, hidden]
  embedding_norm,
  q,
  k,
  v,
  o,
  attention_norm,  // behind attention and its residual
  up,              // [intermediate, hidden]
  down,            // [hidden, intermediate]
  mlp_norm,        // behind the MLP and its residual
};

struct EncoderTensor {
  std::string name;  // canonical, with ".weight" or ".bias"
  std::string gguf_name;
  tensor::Shape shape;
  EncoderPart part = EncoderPart::token_embedding;
  std::int64_t layer = -1;  // -1: outside the layers
  bool bias = false;
};

// In the order of the forward pass, a bias after its matrix. REQUIRES: check(config) passed.
std::vector<EncoderTensor> expected_tensors(const EncoderConfig& config);

}  // namespace lathe::formats
