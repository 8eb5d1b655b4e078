// The weights of a decoder as ops take them, and the table of their names: one list that loading,
// training, saving and adapters walk.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "formats/decoder_config.h"
#include "ops/weights.h"

namespace lathe::models {

// A matrix that activations are multiplied by; `site` numbers it for adapters.
struct Linear {
  ops::MatrixWeight weight;
  ops::VectorWeight bias;  // [out]; of size 0 when there is none
  std::size_t site = 0;
};

struct DecoderLayer {
  ops::VectorWeight attention_norm;  // [hidden]
  Linear q, k, v;                    // [heads * head_dim, hidden], [kv_heads * head_dim, hidden]
  ops::VectorWeight q_norm, k_norm;  // [head_dim]; of size 0 when heads are not normalised
  Linear o;                          // [hidden, heads * head_dim]
  ops::VectorWeight mlp_norm;        // [hidden]
  Linear gate, up;                   // [intermediate, hidden]
  Linear down;                       // [hidden, intermediate]
};

struct DecoderWeights {
  ops::MatrixWeight embedding;  // [vocab, hidden]; f32 form always there
  std::vector<DecoderLayer> layers;
  ops::VectorWeight norm;  // [hidden]
  // [vocab, hidden]; when embeddings are tied it shares the embedding's values and gradient.
  Linear head;
};

// Where a named tensor goes.
struct WeightSlot {
  std::string name;  // canonical, with ".weight" or ".bias"
  std::variant<ops::MatrixWeight*, ops::VectorWeight*> target;
};

// The slots of all weights with their shapes set, in the order of formats::expected_tensors(). A
// tied head has no slot of its own. Sets sites, too: layer * 7 + (q k v o gate up down), then the
// head.
std::vector<WeightSlot> lay_out(const formats::DecoderConfig& config, DecoderWeights& weights);

// The module name of each site, without ".weight": "model.layers.0.self_attn.q_proj", …, "lm_head".
std::vector<std::string> site_names(const formats::DecoderConfig& config);

}  // namespace lathe::models
