// GPT-NeoX (Black et al. 2022; Pythia): attention and MLP beside each other as a rule, a part of
// each head rotated, queries, keys and values of a head side by side in one matrix. Source:
// transformers' GPTNeoXConfig.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kGptNeoxGgufKeys[] = {"use_parallel_residual"};
constexpr double kDefaultRotaryShare = 0.25;

constexpr PartName kGptNeoxNames[] = {
    {Part::embedding, "gpt_neox.embed_in"},
    {Part::qkv, "attention.query_key_value"},
    {Part::o, "attention.dense"},
    {Part::up, "mlp.dense_h_to_4h"},
    {Part::down, "mlp.dense_4h_to_h"},
    {Part::final_norm, "gpt_neox.final_layer_norm"},
    {Part::head, "embed_out"},
};

void gpt_neox_defaults(DecoderConfig& config) {
  config.vocab_size = 50432;
  config.hidden_size = 6144;
  config.intermediate_size = 24576;
  config.layers = 44;
  config.heads = 64;
  config.max_positions = 2048;
  config.norm = NormKind::layer;
  config.norm_eps = 1e-5;
  config.activation = Activation::gelu;
  config.gated_mlp = false;
  config.mlp_bias = true;
  config.bos_id = 0;
  config.eos_ids = {2};
}

// rotary_pct and rotary_emb_base, where rope_parameters does not say it.
Status read_rotary(const JsonFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto base, fields.find_number("rotary_emb_base"));
  const nlohmann::json* parameters = fields.find("rope_parameters");
  const nlohmann::json* scaling = fields.find("rope_scaling");
  const auto says = [&](const char* key) {
    return (parameters != nullptr && parameters->contains(key)) ||
           (scaling != nullptr && scaling->contains(key)) || fields.mentions(key);
  };
  if (base && !says("rope_theta")) c.rope.theta = *base;
  if (says("partial_rotary_factor")) return {};
  LATHE_TRY(const auto given, fields.find_number("rotary_pct"));
  return take_rotary_share("rotary_pct", given.value_or(kDefaultRotaryShare), c);
}

Status read_gpt_neox_json(const JsonFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto bias, fields.find_bool("attention_bias"));
  LATHE_TRY(const auto parallel, fields.find_bool("use_parallel_residual"));
  c.qkv_bias = c.output_bias = bias.value_or(true);
  c.parallel_residual = parallel.value_or(true);
  c.fused_qkv.groups = c.heads;
  return read_rotary(fields, c);
}

void write_gpt_neox_json(const DecoderConfig& c, nlohmann::json& out) {
  const double share = rotary_share_of(c);
  out["attention_bias"] = c.qkv_bias;
  out["use_parallel_residual"] = c.parallel_residual;
  out["rotary_pct"] = share;
  out["rotary_emb_base"] = c.rope.theta;
  out["rope_parameters"]["partial_rotary_factor"] = share;
}

Status read_gpt_neox_gguf(const GgufFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto parallel, fields.find_bool("use_parallel_residual"));
  c.parallel_residual = parallel.value_or(true);
  c.fused_qkv.groups = c.heads;
  return {};
}

void write_gpt_neox_gguf(const DecoderConfig& c, GgufKeys& keys) {
  keys.put("use_parallel_residual", c.parallel_residual);
}

}  // namespace

const DecoderFamily kGptNeox = {.name = "gpt_neox",
                                .architecture = "GPTNeoXForCausalLM",
                                .gguf = "gptneox",
                                .gguf_keys = kGptNeoxGgufKeys,
                                .read_gguf = read_gpt_neox_gguf,
                                .write_gguf = write_gpt_neox_gguf,
                                .keys = {.kv_heads = nullptr, .norm_eps = "layer_norm_eps"},
                                .layers = "gpt_neox.layers.",
                                .names = kGptNeoxNames,
                                .base_prefix = "gpt_neox.",
                                .partial_rotary = true,
                                .defaults = gpt_neox_defaults,
                                .read_json = read_gpt_neox_json,
                                .write_json = write_gpt_neox_json};

}  // namespace lathe::formats
