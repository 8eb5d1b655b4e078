#include "models/decoder_forward.h"

#include "models/blocks.h"

namespace lathe::models {
namespace {

ops::Value sequential_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                            const ops::Value& x) {
  const ops::Value read =
      attention_block(pass, layer, index, pass.norm(x, layer.attention_norm), &x);
  return mlp_block(pass, layer, pass.norm(read, layer.mlp_norm), &read);
}

ops::Value parallel_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                          const ops::Value& x) {
  if (!pass.config().parallel_residual) return sequential_layer(pass, layer, index, x);
  const ops::Value normed = pass.norm(x, layer.attention_norm);
  const ops::Value for_mlp = layer.mlp_norm.weight.size > 0 ? pass.norm(x, layer.mlp_norm) : normed;
  const ops::Value read = attention_block(pass, layer, index, normed, &x);
  return mlp_block(pass, layer, for_mlp, &read);
}

ops::Value sandwich_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                          const ops::Value& x) {
  const ops::Value read =
      attention_block(pass, layer, index, pass.norm(x, layer.attention_norm), nullptr);
  const ops::Value between = ops::add(pass.run(), x, pass.norm(read, layer.post_attention_norm));
  const ops::Value worked = mlp_block(pass, layer, pass.norm(between, layer.mlp_norm), nullptr);
  return ops::add(pass.run(), between, pass.norm(worked, layer.post_mlp_norm));
}

using LayerForward = ops::Value (*)(Pass&, const DecoderLayer&, std::size_t, const ops::Value&);

ops::Value forward(ops::Run& run, const Decoder& decoder, const Batch& batch,
                   LayerForward layer_forward) {
  Pass pass(run, decoder, batch);
  const DecoderWeights& weights = decoder.weights();
  ops::Value x = pass.carry(pass.embed());
  for (std::size_t i = 0; i < weights.layers.size(); ++i)
    x = pass.carry(layer_forward(pass, weights.layers[i], i, x));
  x = pass.head(pass.output_norm(pass.outputs(x), weights.norm), weights.head);
  const auto cap = static_cast<float>(decoder.config().logit_softcap);
  return cap > 0 ? ops::soft_cap(run, x, cap) : x;
}

}  // namespace

ops::Value sequential_forward(ops::Run& run, const Decoder& decoder, const Batch& batch) {
  return forward(run, decoder, batch, sequential_layer);
}

ops::Value parallel_forward(ops::Run& run, const Decoder& decoder, const Batch& batch) {
  return forward(run, decoder, batch, parallel_layer);
}

ops::Value sandwich_forward(ops::Run& run, const Decoder& decoder, const Batch& batch) {
  return forward(run, decoder, batch, sandwich_layer);
}

}  // namespace lathe::models
