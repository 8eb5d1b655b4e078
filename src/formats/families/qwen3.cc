// Qwen3 (Yang et al. 2025): LLaMA with queries and keys normalised head by head. Source:
// transformers' Qwen3Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

void qwen3_defaults(DecoderConfig& config) {
  config.vocab_size = 151936;
  config.hidden_size = 4096;
  config.intermediate_size = 22016;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 32768;
  config.kv_heads = 32;
  config.head_dim = 128;
}

Status read_qwen3_json(const JsonFields& fields, DecoderConfig& config) {
  config.qk_norm = true;
  LATHE_TRY(const auto bias, fields.find_bool("attention_bias"));
  config.qkv_bias = config.output_bias = bias.value_or(false);
  return read_switched_windows(fields, config);
}

void write_qwen3_json(const DecoderConfig& config, nlohmann::json& out) {
  kQwen2.write_json(config, out);
  out["attention_bias"] = config.qkv_bias;
}

}  // namespace

const DecoderFamily kQwen3 = {.name = "qwen3",
                              .architecture = "Qwen3ForCausalLM",
                              .gguf = "qwen3",
                              .gguf_interleaves = false,
                              .base_prefix = "model.",
                              .defaults = qwen3_defaults,
                              .read_json = read_qwen3_json,
                              .write_json = write_qwen3_json};

}  // namespace lathe::formats
