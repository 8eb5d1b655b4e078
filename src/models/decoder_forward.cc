#include "models/decoder_forward.h"

#include <algorithm>

#include "models/blocks.h"

namespace lathe::models {
namespace {

// y = what make() gives, and all that it took on the way is given back.
template <class Make>
void make_into(ops::Run& run, const ops::Value& y, const Make& make) {
  const tensor::Arena::Mark mark = run.arena.mark();
  const ops::Value made = make();
  run.for_rows(y.rows, y.columns, [&](std::size_t first, std::size_t last) {
    std::copy_n(made.row(first), (last - first) * y.columns, y.row(first));
  });
  run.arena.release(mark);
}

// What make() gives, a value of the shape of x. Inference keeps nothing else of it.
template <class Make>
ops::Value alone(Pass& pass, const ops::Value& x, const Make& make) {
  if (pass.run().tape != nullptr) return make();
  const ops::Value y = pass.run().make(x.rows, x.columns, false);
  make_into(pass.run(), y, make);
  return y;
}

ops::Value sequential_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                            const ops::Value& x) {
  const ops::Value read = alone(pass, x, [&] {
    return attention_block(pass, layer, index, pass.norm(x, layer.attention_norm), &x);
  });
  return mlp_block(pass, layer, pass.norm(read, layer.mlp_norm), &read);
}

ops::Value parallel_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                          const ops::Value& x) {
  if (!pass.config().parallel_residual) return sequential_layer(pass, layer, index, x);
  const ops::Value normed = pass.norm(x, layer.attention_norm);
  const ops::Value for_mlp = layer.mlp_norm.weight.size > 0 ? pass.norm(x, layer.mlp_norm) : normed;
  const ops::Value read =
      alone(pass, x, [&] { return attention_block(pass, layer, index, normed, &x); });
  return mlp_block(pass, layer, for_mlp, &read);
}

ops::Value sandwich_layer(Pass& pass, const DecoderLayer& layer, std::size_t index,
                          const ops::Value& x) {
  const ops::Value read = alone(pass, x, [&] {
    return attention_block(pass, layer, index, pass.norm(x, layer.attention_norm), nullptr);
  });
  const ops::Value between = ops::add(pass.run(), x, pass.norm(read, layer.post_attention_norm));
  const ops::Value worked = mlp_block(pass, layer, pass.norm(between, layer.mlp_norm), nullptr);
  return ops::add(pass.run(), between, pass.norm(worked, layer.post_mlp_norm));
}

using LayerForward = ops::Value (*)(Pass&, const DecoderLayer&, std::size_t, const ops::Value&);

// All layers. Inference keeps what goes from one to the next and gives the rest back after each: a
// pass takes the memory of one layer, and finds it in the caches again.
ops::Value through_layers(Pass& pass, std::span<const DecoderLayer> layers, ops::Value x,
                          LayerForward layer_forward) {
  ops::Run& run = pass.run();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto through = [&] { return layer_forward(pass, layers[i], i, x); };
    if (run.tape != nullptr)
      x = through();
    else
      make_into(run, x, through);
  }
  return x;
}

ops::Value forward(ops::Run& run, const Decoder& decoder, const Batch& batch,
                   LayerForward layer_forward) {
  Pass pass(run, decoder, batch);
  const DecoderWeights& weights = decoder.weights();
  ops::Value x = through_layers(pass, weights.layers, pass.embed(), layer_forward);
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
