#include "models/decoder_weights.h"

namespace lathe::models {
namespace {

using formats::ExpectedTensor;
using formats::Part;

class Builder {
 public:
  Builder(const formats::DecoderConfig& config, DecoderWeights& weights)
      : config_(config), w_(weights) {
    w_.layers.resize(extent(config.layers));
    for (DecoderLayer& layer : w_.layers) layer.experts.resize(extent(config.experts.count));
  }

  Layout build() {
    const auto offset = static_cast<float>(config_.norm_offset);
    for (const ExpectedTensor& t : formats::expected_tensors(config_)) {
      if (Linear* linear = linear_of(t)) {
        place(t, linear->weight, linear->bias);
        if (!t.bias) {
          linear->site = add_site(t);
          layout_.linears.push_back(linear);
        }
      } else if (Norm* norm = norm_of(t)) {
        (t.bias ? norm->bias : norm->weight).size = extent(t.shape[0]);
        norm->weight.offset = offset;
        if (!t.bias) {
          norm->index = layout_.norms.size();
          layout_.norms.emplace_back(formats::module_of(t));
        }
        layout_.slots.push_back({t.name, t.bias ? &norm->bias : &norm->weight});
      } else {
        matrix(t, t.part == Part::embedding ? w_.embedding : w_.positions);
      }
    }
    if (config_.tied_embeddings) {
      w_.head.site = layout_.sites.size();
      layout_.sites.push_back(
          {formats::head_module(config_), {w_.embedding.rows, w_.embedding.columns}});
      layout_.linears.push_back(&w_.head);
    }
    return std::move(layout_);
  }

 private:
  DecoderLayer& layer_of(const ExpectedTensor& t) { return w_.layers[extent(t.layer)]; }
  Expert& expert_of(const ExpectedTensor& t) { return layer_of(t).experts[extent(t.expert)]; }

  Linear* linear_of(const ExpectedTensor& t) {
    switch (t.part) {
      case Part::q:
        return &layer_of(t).q;
      case Part::k:
        return &layer_of(t).k;
      case Part::v:
        return &layer_of(t).v;
      case Part::qkv:
        return &layer_of(t).qkv;
      case Part::o:
        return &layer_of(t).o;
      case Part::gate:
        return &layer_of(t).gate;
      case Part::up:
        return &layer_of(t).up;
      case Part::gate_up:
        return &layer_of(t).gate_up;
      case Part::down:
        return &layer_of(t).down;
      case Part::router:
        return &layer_of(t).router;
      case Part::expert_gate:
        return &expert_of(t).gate;
      case Part::expert_up:
        return &expert_of(t).up;
      case Part::expert_down:
        return &expert_of(t).down;
      case Part::head:
        return &w_.head;
      default:
        return nullptr;
    }
  }

  Norm* norm_of(const ExpectedTensor& t) {
    switch (t.part) {
      case Part::attention_norm:
        return &layer_of(t).attention_norm;
      case Part::q_norm:
        return &layer_of(t).q_norm;
      case Part::k_norm:
        return &layer_of(t).k_norm;
      case Part::post_attention_norm:
        return &layer_of(t).post_attention_norm;
      case Part::mlp_norm:
        return &layer_of(t).mlp_norm;
      case Part::post_mlp_norm:
        return &layer_of(t).post_mlp_norm;
      case Part::final_norm:
        return &w_.norm;
      default:
        return nullptr;
    }
  }

  void matrix(const ExpectedTensor& t, ops::MatrixWeight& weight) {
    weight.rows = extent(t.shape[0]);
    weight.columns = extent(t.shape[1]);
    layout_.slots.push_back({t.name, &weight});
  }

  void place(const ExpectedTensor& t, ops::MatrixWeight& weight, ops::VectorWeight& bias) {
    if (!t.bias) return matrix(t, weight);
    bias.size = extent(t.shape[0]);
    layout_.slots.push_back({t.name, &bias});
  }

  std::size_t add_site(const ExpectedTensor& t) {
    layout_.sites.push_back(
        {std::string(formats::module_of(t)), {extent(t.shape[0]), extent(t.shape[1])}});
    return layout_.sites.size() - 1;
  }

  const formats::DecoderConfig& config_;
  DecoderWeights& w_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const formats::DecoderConfig& config, DecoderWeights& weights) {
  return Builder(config, weights).build();
}

}  // namespace lathe::models
