// Qwen3-MoE (Yang et al. 2025): Qwen3 with a mixture of experts in most layers. Source:
// transformers' Qwen3MoeConfig.
#include <fmt/format.h>

#include <algorithm>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kQwen3MoeDefaultWindow = 4096;

constexpr PartName kQwen3MoeNames[] = {
    {Part::router, "mlp.gate"},
    {Part::expert_gate, "mlp.experts.{}.gate_proj"},
    {Part::expert_up, "mlp.experts.{}.up_proj"},
    {Part::expert_down, "mlp.experts.{}.down_proj"},
};

constexpr FieldAlias kQwen3MoeAliases[] = {{"num_local_experts", "num_experts"}};

void qwen3_moe_defaults(DecoderConfig& config) {
  config.vocab_size = 151936;
  config.hidden_size = 2048;
  config.intermediate_size = 6144;
  config.layers = 24;
  config.heads = 32;
  config.max_positions = 32768;
  config.kv_heads = 4;
}

// Layers whose number is in mlp_only_layers, and those that decoder_sparse_step passes over, have a
// plain MLP.
Status read_dense_layers(const JsonFields& fields, DecoderConfig& c) {
  std::vector<std::int64_t>& dense = c.experts.dense_layers;
  if (const nlohmann::json* list = fields.find("mlp_only_layers")) {
    if (!list->is_array()) return Error::bad_input("mlp_only_layers is no list");
    for (const nlohmann::json& layer : *list) {
      if (!layer.is_number_integer())
        return Error::bad_input("mlp_only_layers holds " + JsonFields::show(layer));
      dense.push_back(layer.get<std::int64_t>());
    }
  }
  LATHE_TRY(const auto step, fields.find_int("decoder_sparse_step"));
  if (step.value_or(1) < 1)
    return Error::bad_input(fmt::format("decoder_sparse_step is {}, below 1", *step));
  for (std::int64_t layer = 0; layer < c.layers && layer < 1024; ++layer) {
    if ((layer + 1) % step.value_or(1) != 0) dense.push_back(layer);
  }
  std::sort(dense.begin(), dense.end());
  dense.erase(std::unique(dense.begin(), dense.end()), dense.end());
  return {};
}

Status read_qwen3_moe_json(const JsonFields& fields, DecoderConfig& c) {
  c.qk_norm = true;
  LATHE_TRY(const auto bias, fields.find_bool("attention_bias"));
  c.qkv_bias = c.output_bias = bias.value_or(false);
  LATHE_TRY(const auto slides, fields.find_bool("use_sliding_window"));
  if (slides.value_or(false)) {
    LATHE_CHECK(read_windows(fields, {.absent = kQwen3MoeDefaultWindow}, c));
  } else {
    LATHE_CHECK(allow_no_windows(fields));
  }
  LATHE_TRY(const auto count, fields.find_int("num_experts"));
  LATHE_TRY(const auto used, fields.find_int("num_experts_per_tok"));
  LATHE_TRY(const auto inner, fields.find_int("moe_intermediate_size"));
  LATHE_TRY(const auto normalised, fields.find_bool("norm_topk_prob"));
  c.experts.count = count.value_or(128);
  c.experts.used = used.value_or(8);
  c.experts.intermediate_size = inner.value_or(768);
  c.experts.normalised = normalised.value_or(false);
  return read_dense_layers(fields, c);
}

void write_qwen3_moe_json(const DecoderConfig& c, nlohmann::json& out) {
  kQwen2.write_json(c, out);
  out["attention_bias"] = c.qkv_bias;
  out["num_experts"] = c.experts.count;
  out["num_experts_per_tok"] = c.experts.used;
  out["moe_intermediate_size"] = c.experts.intermediate_size;
  out["norm_topk_prob"] = c.experts.normalised;
  out["mlp_only_layers"] = c.experts.dense_layers;
  out["decoder_sparse_step"] = 1;
}

}  // namespace

const DecoderFamily kQwen3Moe = {.name = "qwen3_moe",
                                 .architecture = "Qwen3MoeForCausalLM",
                                 .gguf = "qwen3moe",
                                 .has_experts = true,
                                 .aliases = kQwen3MoeAliases,
                                 .names = kQwen3MoeNames,
                                 .base_prefix = "model.",
                                 .defaults = qwen3_moe_defaults,
                                 .read_json = read_qwen3_moe_json,
                                 .write_json = write_qwen3_moe_json};

}  // namespace lathe::formats
