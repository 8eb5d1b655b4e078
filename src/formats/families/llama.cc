// LLaMA 1, 2 and 3 (Touvron et al. 2023), SmolLM and others of their shape. Source: transformers'
// LlamaConfig.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

void defaults(DecoderConfig& config) {
  config.bos_id = 1;
  config.eos_ids = {2};
}

Status read_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_TRY(const auto attention_bias, fields.find_bool("attention_bias"));
  config.qkv_bias = config.output_bias = attention_bias.value_or(false);
  LATHE_TRY(const auto mlp_bias, fields.find_bool("mlp_bias"));
  config.mlp_bias = mlp_bias.value_or(false);
  LATHE_CHECK(allow_only(fields, "use_sliding_window", false));
  LATHE_CHECK(allow_only(fields, "sliding_window", nullptr));
  LATHE_TRY(const auto types, fields.find_strings("layer_types"));
  for (const std::string& type : types.value_or(std::vector<std::string>())) {
    if (type != "full_attention")
      return Error::unsupported("layer_types has other layers than full_attention");
  }
  return {};
}

void write_json(const DecoderConfig& config, nlohmann::json& out) {
  out["attention_bias"] = config.qkv_bias;
  out["mlp_bias"] = config.mlp_bias;
}

}  // namespace

const DecoderFamily kLlama = {.name = "llama",
                              .architecture = "LlamaForCausalLM",
                              .gguf = "llama",
                              .gguf_interleaves = true,
                              .defaults = defaults,
                              .read_json = read_json,
                              .write_json = write_json};

}  // namespace lathe::formats
