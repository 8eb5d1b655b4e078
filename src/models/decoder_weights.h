// The weights of a decoder as ops take them, and where each named tensor goes: one walk over
// formats::expected_tensors() that loading, training, saving and adapters share.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/decoder_tensors.h"
#include "ops/weights.h"

namespace lathe::models {

// A matrix that activations are multiplied by; `site` numbers it for adapters. Without rows: the
// family has none.
struct Linear {
  ops::MatrixWeight weight;
  ops::VectorWeight bias;  // [out]; of size 0 when there is none
  std::size_t site = 0;

  bool exists() const { return weight.rows > 0; }
};

// A size of a config or of a shape, as memory counts it.
inline std::size_t extent(std::int64_t size) { return static_cast<std::size_t>(size); }

// RMSNorm (bias of size 0) or LayerNorm.
struct Norm {
  ops::VectorWeight weight;
  ops::VectorWeight bias;
  std::size_t index = 0;  // for adapters
};

struct Expert {
  Linear gate, up;  // [experts' intermediate, hidden]
  Linear down;      // [hidden, experts' intermediate]
};

// What a family lacks has no rows.
struct DecoderLayer {
  Norm attention_norm;  // [hidden]
  Linear q, k, v;       // [heads * head_dim, hidden], [kv_heads * head_dim, hidden]
  Linear qkv;           // the three in one (formats::FusedQkv)
  Norm q_norm, k_norm;  // [head_dim]
  Linear o;             // [hidden, heads * head_dim]
  Norm post_attention_norm;
  Norm mlp_norm;    // [hidden]
  Linear gate, up;  // [intermediate, hidden]
  Linear gate_up;   // the two in one, gate first
  Linear down;      // [hidden, intermediate]
  Norm post_mlp_norm;
  Linear router;  // [experts, hidden]
  std::vector<Expert> experts;
};

struct DecoderWeights {
  ops::MatrixWeight embedding;  // [vocab, hidden]; in f32 or packed
  ops::MatrixWeight positions;  // [max_positions, hidden]; in f32 or packed
  std::vector<DecoderLayer> layers;
  Norm norm;  // [hidden]
  // [vocab, hidden]; when embeddings are tied it shares the embedding's values and gradient.
  Linear head;
};

// Where a named tensor goes.
struct WeightSlot {
  std::string name;  // canonical, with ".weight" or ".bias"
  std::variant<ops::MatrixWeight*, ops::VectorWeight*> target;
};

// A linear module that adapters may change.
struct Site {
  std::string
      name;  // canonical, without ".weight": "model.layers.0.self_attn.q_proj", …, "lm_head"
  std::pair<std::size_t, std::size_t> shape;  // [out, in]
};

struct Layout {
  std::vector<WeightSlot> slots;       // in the order of formats::expected_tensors()
  std::vector<Site> sites;             // by Linear::site; the head is the last, tied or not
  std::vector<const Linear*> linears;  // by Linear::site
  std::vector<std::string> norms;      // names without ".weight", by Norm::index
};

// Sets the shapes and sites of all weights. A tied head has no slot of its own. The weights must
// outlive the slots and stay where they are.
Layout lay_out(const formats::DecoderConfig& config, DecoderWeights& weights);

}  // namespace lathe::models
