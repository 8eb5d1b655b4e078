// GPT-2 (Radford et al. 2019): learned positions, LayerNorm, one matrix for queries, keys and
// values, and linear modules stored as [in, out]. Source: transformers' GPT2Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr PartName kNames[] = {
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

void defaults(DecoderConfig& config) {
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

Status read_json(const JsonFields& fields, DecoderConfig&) {
  LATHE_CHECK(allow_only(fields, "scale_attn_weights", true));
  return allow_only(fields, "scale_attn_by_inverse_layer_idx", false);
}

void write_json(const DecoderConfig& config, nlohmann::json& out) {
  out["activation_function"] =
      config.activation == Activation::gelu_tanh ? "gelu_new" : name_of(config.activation);
  out["scale_attn_weights"] = true;
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
                             .layers = "transformer.h.",
                             .names = kNames,
                             .base_prefix = "transformer.",
                             .stores_transposed = true,
                             .defaults = defaults,
                             .read_json = read_json,
                             .write_json = write_json};

}  // namespace lathe::formats
