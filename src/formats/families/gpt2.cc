// GPT-2 (Radford et al. 2019): learned positions, LayerNorm, one matrix for queries, keys and
// values, and linear modules stored as [in, out]. Source: transformers' GPT2Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr PartName kGpt2Names[] = {
    {Part::embedding, "transformer.wte"},
    {Part::position_embedding, "transformer.wpe"},
    {Part::attention_norm, "ln_1"},
    {Part::qkv, "attn.c_attn"},
    {Part::o, "attn.c_proj"},
    {Part::mlp_norm, "ln_2"},
    {Part::up, "mlp.c_fc"},
    {Part::down, "mlp.c_proj"},
    {Part::final_norm, "transformer.ln_f"},
};

constexpr FieldAlias kGpt2Aliases[] = {{"hidden_size", "n_embd"},
                                       {"num_hidden_layers", "n_layer"},
                                       {"num_attention_heads", "n_head"},
                                       {"max_position_embeddings", "n_positions"}};

void gpt2_defaults(DecoderConfig& config) {
  config.vocab_size = 50257;
  config.hidden_size = 768;
  config.intermediate_size = 0;
  config.layers = 12;
  config.heads = 12;
  config.max_positions = 1024;
  config.norm = NormKind::layer;
  config.norm_eps = 1e-5;
  config.activation = Activation::gelu_tanh;
  config.gated_mlp = false;
  config.positions = PositionKind::learned;
  config.qkv_bias = config.output_bias = config.mlp_bias = true;
  config.fused_qkv.groups = 1;
  config.tied_embeddings = true;
  config.bos_id = 50256;
  config.eos_ids = {50256};
}

// reorder_and_upcast_attn orders the same arithmetic in another way, for halves.
Status read_gpt2_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_TRY(const auto scaled, fields.find_bool("scale_attn_weights"));
  LATHE_TRY(const auto by_layer, fields.find_bool("scale_attn_by_inverse_layer_idx"));
  config.query_scale = scaled.value_or(true) ? 0 : 1;
  config.scores_by_layer = by_layer.value_or(false);
  return {};
}

void write_gpt2_json(const DecoderConfig& config, nlohmann::json& out) {
  out["activation_function"] =
      config.activation == Activation::gelu_tanh ? "gelu_new" : name_of(config.activation);
  out["scale_attn_weights"] = config.query_scale == 0;
  out["scale_attn_by_inverse_layer_idx"] = config.scores_by_layer;
}

}  // namespace

const DecoderFamily kGpt2 = {.name = "gpt2",
                             .architecture = "GPT2LMHeadModel",
                             .gguf = "gpt2",
                             .keys = {.hidden = "n_embd",
                                      .intermediate = "n_inner",
                                      .layers = "n_layer",
                                      .heads = "n_head",
                                      .kv_heads = nullptr,
                                      .positions = "n_positions",
                                      .norm_eps = "layer_norm_epsilon",
                                      .activation = "activation_function",
                                      .fourfold = true},
                             .aliases = kGpt2Aliases,
                             .layers = "transformer.h.",
                             .names = kGpt2Names,
                             .base_prefix = "transformer.",
                             .stores_transposed = true,
                             .defaults = gpt2_defaults,
                             .read_json = read_gpt2_json,
                             .write_json = write_gpt2_json};

}  // namespace lathe::formats
