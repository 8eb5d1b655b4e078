#include "models/llama.h"

#include <cmath>

#include "models/pass.h"

namespace lathe::models {
namespace {

// x + attention(norm(x)).
ops::Value attention_block(Pass& pass, const DecoderLayer& layer, std::size_t index,
                           const ops::Value& x) {
  const formats::DecoderConfig& config = pass.config();
  const ops::Value normed = pass.rms_norm(x, layer.attention_norm);
  ops::Value q = pass.linear(normed, layer.q);
  ops::Value k = pass.linear(normed, layer.k);
  const ops::Value v = pass.linear(normed, layer.v);
  if (config.qk_norm) {
    q = pass.rms_norm(q, layer.q_norm);
    k = pass.rms_norm(k, layer.k_norm);
  }
  pass.rotate(q);
  pass.rotate(k);
  const auto dim = static_cast<std::size_t>(config.head_dim);
  const ops::Heads heads = {static_cast<std::size_t>(config.heads),
                            static_cast<std::size_t>(config.kv_heads), dim,
                            1.0f / std::sqrt(static_cast<float>(dim)),
                            static_cast<std::size_t>(formats::window_of(config, index))};
  return pass.linear(pass.attention(q, k, v, heads, index), layer.o, &x);
}

// x + mlp(norm(x)).
ops::Value mlp_block(Pass& pass, const DecoderLayer& layer, const ops::Value& x) {
  const ops::Value normed = pass.rms_norm(x, layer.mlp_norm);
  const ops::Value gate = pass.linear(normed, layer.gate);
  const ops::Value up = pass.linear(normed, layer.up);
  return pass.linear(ops::swiglu(pass.run(), gate, up), layer.down, &x);
}

}  // namespace

ops::Value llama_forward(ops::Run& run, const Decoder& decoder, const Batch& batch) {
  Pass pass(run, decoder, batch);
  const DecoderWeights& weights = decoder.weights();
  ops::Value x = pass.embed(weights.embedding);
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    x = attention_block(pass, weights.layers[i], i, x);
    x = mlp_block(pass, weights.layers[i], x);
  }
  x = pass.rms_norm(pass.outputs(x), weights.norm);
  return pass.head(x, weights.head);
}

}  // namespace lathe::models
