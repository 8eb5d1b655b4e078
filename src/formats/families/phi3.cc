// Phi-3 and Phi-4 (Abdin et al. 2024): LLaMA with fused matrices, and LongRoPE in the versions for
// long contexts. Source: transformers' Phi3Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr PartName kPhi3Names[] = {
    {Part::qkv, "self_attn.qkv_proj"},
    {Part::gate_up, "mlp.gate_up_proj", "ffn_up"},
};

void phi3_defaults(DecoderConfig& config) {
  config.vocab_size = 32064;
  config.hidden_size = 3072;
  config.intermediate_size = 8192;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 4096;
  config.norm_eps = 1e-5;
  config.fused_qkv.groups = 1;
  config.fused_gate_up = true;
  config.bos_id = 1;
  config.eos_ids = {32000};
  config.pad_id = 32000;
}

Status read_phi3_json(const JsonFields& fields, DecoderConfig& config) {
  return read_windows(fields, {}, config);
}

void write_phi3_json(const DecoderConfig& config, nlohmann::json& out) {
  out["sliding_window"] =
      config.windows.empty() ? nlohmann::json() : nlohmann::json(config.windows.front());
  out["original_max_position_embeddings"] = config.rope.scaling.kind == RopeScaling::Kind::longrope
                                                ? config.rope.scaling.original_positions
                                                : config.max_positions;
}

}  // namespace

const DecoderFamily kPhi3 = {.name = "phi3",
                             .architecture = "Phi3ForCausalLM",
                             .gguf = "phi3",
                             .gguf_window_period = 0,
                             .names = kPhi3Names,
                             .base_prefix = "model.",
                             .partial_rotary = true,
                             .original_positions = 4096,
                             .defaults = phi3_defaults,
                             .read_json = read_phi3_json,
                             .write_json = write_phi3_json};

}  // namespace lathe::formats
