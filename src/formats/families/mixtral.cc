// Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every layer. GGUF files of it
// call themselves "llama". Source: transformers' MixtralConfig.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr PartName kMixtralNames[] = {
    {Part::router, "block_sparse_moe.gate"},
    {Part::expert_gate, "block_sparse_moe.experts.{}.w1"},
    {Part::expert_up, "block_sparse_moe.experts.{}.w3"},
    {Part::expert_down, "block_sparse_moe.experts.{}.w2"},
};

constexpr FieldAlias kMixtralAliases[] = {{"num_experts", "num_local_experts"}};

void mixtral_defaults(DecoderConfig& config) {
  config.vocab_size = 32000;
  config.hidden_size = 4096;
  config.intermediate_size = 14336;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 4096 * 32;
  config.kv_heads = 8;
  config.norm_eps = 1e-5;
  config.rope.theta = 1e6;
  config.bos_id = 1;
  config.eos_ids = {2};
}

Status read_mixtral_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_CHECK(read_windows(fields, {}, config));
  LATHE_TRY(const auto count, fields.find_int("num_local_experts"));
  LATHE_TRY(const auto used, fields.find_int("num_experts_per_tok"));
  config.experts.count = count.value_or(8);
  config.experts.used = used.value_or(2);
  config.experts.intermediate_size = config.intermediate_size;
  return {};
}

void write_mixtral_json(const DecoderConfig& config, nlohmann::json& out) {
  out["sliding_window"] =
      config.windows.empty() ? nlohmann::json() : nlohmann::json(config.windows.front());
  out["num_local_experts"] = config.experts.count;
  out["num_experts_per_tok"] = config.experts.used;
}

bool is_mixtral_gguf(const GgufFields& fields) {
  const auto experts = fields.find_int("expert_count");
  return experts.ok() && experts->value_or(0) > 0;
}

}  // namespace

const DecoderFamily kMixtral = {.name = "mixtral",
                                .architecture = "MixtralForCausalLM",
                                .gguf = "llama",
                                .gguf_interleaves = true,
                                .has_experts = true,
                                .gguf_window_period = 0,
                                .is_gguf = is_mixtral_gguf,
                                .aliases = kMixtralAliases,
                                .names = kMixtralNames,
                                .base_prefix = "model.",
                                .defaults = mixtral_defaults,
                                .read_json = read_mixtral_json,
                                .write_json = write_mixtral_json};

}  // namespace lathe::formats
