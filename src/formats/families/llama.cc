// LLaMA 1, 2 and 3 (Touvron et al. 2023), SmolLM and others of their shape. Source: transformers'
// LlamaConfig.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

void llama_defaults(DecoderConfig& config) {
  config.vocab_size = 32000;
  config.hidden_size = 4096;
  config.intermediate_size = 11008;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 2048;
  config.bos_id = 1;
  config.eos_ids = {2};
}

Status read_llama_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_TRY(const auto attention_bias, fields.find_bool("attention_bias"));
  config.qkv_bias = config.output_bias = attention_bias.value_or(false);
  LATHE_TRY(const auto mlp_bias, fields.find_bool("mlp_bias"));
  config.mlp_bias = mlp_bias.value_or(false);
  LATHE_CHECK(allow_only(fields, "use_sliding_window", false));
  LATHE_CHECK(allow_only(fields, "sliding_window", nullptr));
  return allow_no_windows(fields);
}

void write_llama_json(const DecoderConfig& config, nlohmann::json& out) {
  out["attention_bias"] = config.qkv_bias;
  out["mlp_bias"] = config.mlp_bias;
}

}  // namespace

const DecoderFamily kLlama = {.name = "llama",
                              .architecture = "LlamaForCausalLM",
                              .gguf = "llama",
                              .gguf_interleaves = true,
                              .base_prefix = "model.",
                              .defaults = llama_defaults,
                              .read_json = read_llama_json,
                              .write_json = write_llama_json};

}  // namespace lathe::formats
