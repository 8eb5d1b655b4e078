#include "formats/decoder_tensors.h"

#include <fmt/format.h>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

class DecoderWalk {
 public:
  DecoderWalk(const DecoderConfig& config, const DecoderFamily& family)
      : c_(config), family_(family) {}

  std::vector<ExpectedTensor> all() {
    matrix(Part::embedding, c_.vocab_size, c_.hidden_size);
    if (c_.positions == PositionKind::learned)
      matrix(Part::position_embedding, c_.max_positions, c_.hidden_size);
    for (layer_ = 0; layer_ < c_.layers; ++layer_) walk_layer();
    layer_ = -1;
    norm(Part::final_norm, c_.hidden_size);
    if (!c_.tied_embeddings) matrix(Part::head, c_.vocab_size, c_.hidden_size);
    return std::move(all_);
  }

 private:
  void walk_layer() {
    norm(Part::attention_norm, c_.hidden_size);
    walk_attention();
    if (c_.post_norms) norm(Part::post_attention_norm, c_.hidden_size);
    if (!c_.parallel_residual || c_.separate_norms) norm(Part::mlp_norm, c_.hidden_size);
    if (has_experts(c_, layer_)) {
      walk_experts();
    } else {
      walk_mlp();
    }
    if (c_.post_norms) norm(Part::post_mlp_norm, c_.hidden_size);
  }

  void walk_attention() {
    const std::int64_t q = c_.heads * c_.head_dim;
    const std::int64_t kv = c_.kv_heads * c_.head_dim;
    if (c_.fused_qkv.groups > 0) {
      linear(Part::qkv, q + 2 * kv, c_.hidden_size, c_.qkv_bias);
    } else {
      linear(Part::q, q, c_.hidden_size, c_.qkv_bias);
      linear(Part::k, kv, c_.hidden_size, c_.qkv_bias);
      linear(Part::v, kv, c_.hidden_size, c_.qkv_bias);
    }
    if (c_.qk_norm) norm(Part::q_norm, c_.head_dim);
    if (c_.qk_norm) norm(Part::k_norm, c_.head_dim);
    linear(Part::o, c_.hidden_size, q, c_.output_bias);
  }

  void walk_mlp() {
    const std::int64_t inner = c_.intermediate_size;
    if (c_.fused_gate_up) {
      linear(Part::gate_up, 2 * inner, c_.hidden_size, c_.mlp_bias);
    } else {
      if (c_.gated_mlp) linear(Part::gate, inner, c_.hidden_size, c_.mlp_bias);
      linear(Part::up, inner, c_.hidden_size, c_.mlp_bias);
    }
    linear(Part::down, c_.hidden_size, inner, c_.mlp_bias);
  }

  void walk_experts() {
    matrix(Part::router, c_.experts.count, c_.hidden_size);
    const std::int64_t inner = c_.experts.intermediate_size;
    for (expert_ = 0; expert_ < c_.experts.count; ++expert_) {
      linear(Part::expert_gate, inner, c_.hidden_size, false);
      linear(Part::expert_up, inner, c_.hidden_size, false);
      linear(Part::expert_down, c_.hidden_size, inner, false);
    }
    expert_ = -1;
  }

  void norm(Part part, std::int64_t size) {
    add(part, {size}, false);
    const bool of_head = part == Part::q_norm || part == Part::k_norm;
    if (c_.norm == NormKind::layer && !of_head) add(part, {size}, true);
  }
  void matrix(Part part, std::int64_t out, std::int64_t in) { add(part, {out, in}, false); }
  void linear(Part part, std::int64_t out, std::int64_t in, bool bias) {
    matrix(part, out, in);
    all_.back().stored_transposed = family_.stores_transposed;
    if (bias) add(part, {out}, true);
  }

  void add(Part part, tensor::Shape shape, bool bias) {
    const PartName* name = find_part_name(family_, part, c_);
    LATHE_ASSERT(name != nullptr);
    std::string full(layer_ < 0 ? std::string_view() : family_.layers);
    if (layer_ >= 0) full += fmt::format("{}.", layer_);
    full += expert_ < 0 ? std::string(name->name) : fmt::format(fmt::runtime(name->name), expert_);
    full += bias ? ".bias" : ".weight";
    all_.push_back({std::move(full), std::move(shape), part, layer_, expert_, bias, false});
  }

  const DecoderConfig& c_;
  const DecoderFamily& family_;
  std::int64_t layer_ = -1;
  std::int64_t expert_ = -1;
  std::vector<ExpectedTensor> all_;
};

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const DecoderConfig& config) {
  const auto family = find_decoder_family(config.family);
  LATHE_ASSERT(family.ok());
  return DecoderWalk(config, **family).all();
}

std::string head_module(const DecoderConfig& config) {
  const auto family = find_decoder_family(config.family);
  LATHE_ASSERT(family.ok());
  return std::string(find_part_name(**family, Part::head, config)->name);
}

std::string_view module_of(const ExpectedTensor& tensor) {
  return std::string_view(tensor.name).substr(0, tensor.name.rfind('.'));
}

}  // namespace lathe::formats
