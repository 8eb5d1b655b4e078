// Falcon (Almazrouei et al. 2023) in its three layouts: 7B (one key/value head, attention and MLP
// beside each other under one norm), 40B and 180B ("new decoder": groups of heads, a norm for each
// of the two) and RW (ALiBi, one after the other). Source: transformers' FalconConfig.
#include <fmt/format.h>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr PartName kFalconNames[] = {
    {Part::embedding, "transformer.word_embeddings"},
    {Part::qkv, "self_attention.query_key_value"},
    {Part::o, "self_attention.dense"},
    {Part::up, "mlp.dense_h_to_4h"},
    {Part::down, "mlp.dense_4h_to_h"},
    {Part::final_norm, "transformer.ln_f"},
};
constexpr std::string_view kFalconGgufKeys[] = {"use_parallel_residual",
                                                "attention.max_alibi_bias"};
constexpr double kAlibiBias = 8;  // Press et al. 2022: the slopes fall to 2^-8

// "RefinedWeb" was the name of its first weeks: of the 40B layout, and with "Model" of the others.
constexpr std::string_view kFirstGrouped = "RefinedWeb";
constexpr std::string_view kOtherTypes[] = {kFirstGrouped, "RefinedWebModel"};
constexpr FieldAlias kFalconAliases[] = {{"n_embed", "hidden_size"},
                                         {"n_layer", "num_hidden_layers"},
                                         {"n_head", "num_attention_heads"},
                                         {"n_head_kv", "num_kv_heads"}};

constexpr PartName kAttentionNorm = {Part::attention_norm, "ln_attn", "attn_norm_2"};
constexpr PartName kMlpNorm = {Part::mlp_norm, "ln_mlp", "attn_norm"};

const PartName* name_by_config(Part part, const DecoderConfig& config) {
  if (!config.parallel_residual || !config.separate_norms) return nullptr;
  if (part == Part::attention_norm) return &kAttentionNorm;
  return part == Part::mlp_norm ? &kMlpNorm : nullptr;
}

void falcon_defaults(DecoderConfig& config) {
  config.vocab_size = 65024;
  config.hidden_size = 4544;
  config.intermediate_size = 0;
  config.layers = 32;
  config.heads = 71;
  config.max_positions = 2048;
  config.norm = NormKind::layer;
  config.norm_eps = 1e-5;
  config.activation = Activation::gelu;
  config.gated_mlp = false;
  config.tied_embeddings = true;
  config.bos_id = 11;
  config.eos_ids = {11};
}

struct Switches {
  bool alibi, bias, multi_query, parallel, groups;
};

Result<Switches> read_switches(const JsonFields& fields) {
  LATHE_TRY(const auto alibi, fields.find_bool("alibi"));
  LATHE_TRY(const auto bias, fields.find_bool("bias"));
  LATHE_TRY(const auto multi_query, fields.find_bool("multi_query"));
  LATHE_TRY(const auto parallel, fields.find_bool("parallel_attn"));
  LATHE_TRY(const auto groups, fields.find_bool("new_decoder_architecture"));
  LATHE_TRY(const std::string type, fields.get_string("model_type"));
  return Switches{alibi.value_or(false), bias.value_or(false), multi_query.value_or(true),
                  parallel.value_or(true), groups.value_or(type == kFirstGrouped)};
}

Status read_falcon_json(const JsonFields& fields, DecoderConfig& c) {
  LATHE_TRY(const Switches s, read_switches(fields));
  LATHE_TRY(const auto kv_heads, fields.find_int("num_kv_heads"));
  LATHE_TRY(const auto norms, fields.find_int("num_ln_in_parallel_attn"));
  c.kv_heads = s.groups ? kv_heads.value_or(c.heads) : s.multi_query ? 1 : c.heads;
  c.fused_qkv.groups = c.kv_heads;
  c.qkv_bias = c.output_bias = c.mlp_bias = s.bias;
  c.positions = s.alibi ? PositionKind::alibi : PositionKind::rotary;
  c.parallel_residual = s.parallel;
  c.separate_norms = s.parallel && s.groups ? norms.value_or(2) == 2 : !s.parallel;
  if (s.groups && !s.parallel)
    return Error::unsupported("new_decoder_architecture without parallel_attn is not supported");
  if (norms && *norms != (c.parallel_residual && c.separate_norms ? 2 : 1) && s.parallel)
    return Error::unsupported(fmt::format("num_ln_in_parallel_attn is {}", *norms));
  return {};
}

void write_falcon_json(const DecoderConfig& c, nlohmann::json& out) {
  const bool groups = c.parallel_residual && c.kv_heads > 1;
  out["alibi"] = c.positions == PositionKind::alibi;
  out["bias"] = c.mlp_bias;
  out["multi_query"] = groups || c.kv_heads == 1;
  out["parallel_attn"] = c.parallel_residual;
  out["new_decoder_architecture"] = groups || (c.parallel_residual && c.separate_norms);
  out["num_kv_heads"] = c.kv_heads;
  out["num_ln_in_parallel_attn"] =
      c.parallel_residual ? nlohmann::json(c.separate_norms ? 2 : 1) : nlohmann::json();
}

// llama.cpp knows the 7B and 40B layouts, which these keys' absence stands for.
Status read_falcon_gguf(const GgufFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto parallel, fields.find_bool("use_parallel_residual"));
  LATHE_TRY(const auto alibi, fields.find_number("attention.max_alibi_bias"));
  if (alibi.value_or(0) != 0 && *alibi != kAlibiBias)
    return Error::unsupported(fmt::format(
        "{} is {}, not {}", fields.name("attention.max_alibi_bias"), *alibi, kAlibiBias));
  c.positions = alibi.value_or(0) != 0 ? PositionKind::alibi : PositionKind::rotary;
  if (c.positions == PositionKind::alibi) {
    c.rope = {};
    c.rotary_dim = 0;
  }
  c.parallel_residual = parallel.value_or(true);
  c.separate_norms = !c.parallel_residual || fields.facts().has("blk.0.attn_norm_2.weight");
  c.fused_qkv.groups = c.kv_heads;
  return {};
}

void write_falcon_gguf(const DecoderConfig& c, GgufKeys& keys) {
  if (!c.parallel_residual) keys.put("use_parallel_residual", false);
  if (c.positions == PositionKind::alibi) keys.put_number("attention.max_alibi_bias", kAlibiBias);
}

}  // namespace

const DecoderFamily kFalcon = {.name = "falcon",
                               .architecture = "FalconForCausalLM",
                               .gguf = "falcon",
                               .gguf_keys = kFalconGgufKeys,
                               .read_gguf = read_falcon_gguf,
                               .write_gguf = write_falcon_gguf,
                               .other_types = kOtherTypes,
                               .other_architecture = "RWForCausalLM",
                               .keys = {.intermediate = "ffn_hidden_size",
                                        .kv_heads = nullptr,
                                        .norm_eps = "layer_norm_epsilon",
                                        .activation = "activation",
                                        .fourfold = true},
                               .aliases = kFalconAliases,
                               .layers = "transformer.h.",
                               .names = kFalconNames,
                               .name_by_config = name_by_config,
                               .base_prefix = "transformer.",
                               .defaults = falcon_defaults,
                               .read_json = read_falcon_json,
                               .write_json = write_falcon_json};

}  // namespace lathe::formats
