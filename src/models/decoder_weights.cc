#include "models/decoder_weights.h"

#include <fmt/format.h>

namespace lathe::models {
namespace {

constexpr const char* kSites[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                  "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                  "mlp.down_proj"};
constexpr std::size_t kSitesPerLayer = std::size(kSites);

std::size_t size(std::int64_t extent) { return static_cast<std::size_t>(extent); }

class Layout {
 public:
  explicit Layout(const formats::DecoderConfig& config) : config_(config) {}

  void matrix(std::string name, ops::MatrixWeight& weight, std::int64_t rows,
              std::int64_t columns) {
    weight.rows = size(rows);
    weight.columns = size(columns);
    slots_.push_back({std::move(name) + ".weight", &weight});
  }
  void vector(std::string name, ops::VectorWeight& weight, std::int64_t length) {
    weight.size = size(length);
    slots_.push_back({std::move(name), &weight});
  }
  void norm(const std::string& name, ops::VectorWeight& weight, std::int64_t length) {
    vector(name + ".weight", weight, length);
  }
  void layer(std::size_t index, DecoderLayer& l) {
    const formats::DecoderConfig& c = config_;
    const std::string prefix = fmt::format("model.layers.{}.", index);
    const std::int64_t q = c.heads * c.head_dim;
    const std::int64_t kv = c.kv_heads * c.head_dim;
    std::size_t site = 0;
    const auto linear = [&](Linear& part, std::int64_t rows, std::int64_t columns, bool bias) {
      const std::string name = prefix + kSites[site];
      part.site = index * kSitesPerLayer + site++;
      matrix(name, part.weight, rows, columns);
      if (bias) vector(name + ".bias", part.bias, rows);
    };
    norm(prefix + "input_layernorm", l.attention_norm, c.hidden_size);
    linear(l.q, q, c.hidden_size, c.qkv_bias);
    linear(l.k, kv, c.hidden_size, c.qkv_bias);
    linear(l.v, kv, c.hidden_size, c.qkv_bias);
    if (c.qk_norm) norm(prefix + "self_attn.q_norm", l.q_norm, c.head_dim);
    if (c.qk_norm) norm(prefix + "self_attn.k_norm", l.k_norm, c.head_dim);
    linear(l.o, c.hidden_size, q, c.output_bias);
    norm(prefix + "post_attention_layernorm", l.mlp_norm, c.hidden_size);
    linear(l.gate, c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(l.up, c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(l.down, c.hidden_size, c.intermediate_size, c.mlp_bias);
  }
  std::vector<WeightSlot> take() { return std::move(slots_); }

 private:
  const formats::DecoderConfig& config_;
  std::vector<WeightSlot> slots_;
};

}  // namespace

std::vector<WeightSlot> lay_out(const formats::DecoderConfig& config, DecoderWeights& weights) {
  Layout layout(config);
  layout.matrix("model.embed_tokens", weights.embedding, config.vocab_size, config.hidden_size);
  weights.layers.resize(size(config.layers));
  for (std::size_t i = 0; i < weights.layers.size(); ++i) layout.layer(i, weights.layers[i]);
  layout.norm("model.norm", weights.norm, config.hidden_size);
  weights.head.site = weights.layers.size() * kSitesPerLayer;
  if (!config.tied_embeddings) {
    layout.matrix("lm_head", weights.head.weight, config.vocab_size, config.hidden_size);
  }
  return layout.take();
}

std::vector<std::string> site_names(const formats::DecoderConfig& config) {
  std::vector<std::string> names;
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    for (const char* site : kSites) names.push_back(fmt::format("model.layers.{}.{}", layer, site));
  }
  names.emplace_back("lm_head");
  return names;
}

}  // namespace lathe::models
