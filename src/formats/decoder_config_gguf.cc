// DecoderConfig from and to the metadata of a GGUF file.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "formats/decoder_config.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

// Keys of the architecture's own namespace that are read below. Any other would change what the
// model computes, so it is refused by name.
constexpr std::array<std::string_view, 24> kKnownKeys{"vocab_size",
                                                      "context_length",
                                                      "embedding_length",
                                                      "block_count",
                                                      "feed_forward_length",
                                                      "attention.head_count",
                                                      "attention.head_count_kv",
                                                      "attention.key_length",
                                                      "attention.value_length",
                                                      "attention.layer_norm_rms_epsilon",
                                                      "attention.sliding_window",
                                                      "rope.dimension_count",
                                                      "rope.freq_base",
                                                      "rope.scaling.type",
                                                      "rope.scaling.factor",
                                                      "rope.scale_linear",
                                                      "rope.scaling.original_context_length",
                                                      "rope.scaling.finetuned",
                                                      "rope.scaling.attn_factor",
                                                      "rope.scaling.yarn_log_multiplier",
                                                      "rope.scaling.yarn_beta_fast",
                                                      "rope.scaling.yarn_beta_slow",
                                                      "expert_count",
                                                      "expert_used_count"};

// The architecture's own keys: keys("block_count") for "block_count".
class Keys {
 public:
  explicit Keys(std::string_view architecture) : prefix_(std::string(architecture) + ".") {}
  std::string operator()(std::string_view key) const { return prefix_ + std::string(key); }
  const std::string& prefix() const { return prefix_; }

 private:
  std::string prefix_;
};

constexpr const char* kLlama3Factor = "lathe.rope.llama3.factor";
constexpr const char* kLlama3Low = "lathe.rope.llama3.low_freq_factor";
constexpr const char* kLlama3High = "lathe.rope.llama3.high_freq_factor";
constexpr const char* kLlama3Positions = "lathe.rope.llama3.original_context_length";
constexpr const char* kEosIds = "lathe.eos_token_ids";

// The shortest decimal that gives this f32, as a double: 1e-05 and not 9.99999974737875e-06, so
// that a config is the same whether it came through a GGUF file or not.
double shortest(double value) {
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value || !std::isfinite(single)) return value;
  return std::strtod(fmt::format("{}", single).c_str(), nullptr);
}

Status check_keys(const GgufMetadata& metadata, const Keys& keys) {
  for (const auto& [key, value] : metadata.entries()) {
    if (!key.starts_with(keys.prefix())) continue;
    const std::string_view own = std::string_view(key).substr(keys.prefix().size());
    if (std::find(kKnownKeys.begin(), kKnownKeys.end(), own) == kKnownKeys.end())
      return Error::unsupported(fmt::format("metadata {} is not supported", in_quotes(key)));
  }
  for (const char* key : {"expert_count", "expert_used_count"}) {
    LATHE_TRY(const auto experts, metadata.find_int(keys(key)));
    if (experts.value_or(0) != 0)
      return Error::unsupported(
          fmt::format("{} is {}: mixtures of experts are not supported", keys(key), *experts));
  }
  return {};
}

// A count that some files give once for each layer; all must then be the same.
Result<std::int64_t> get_uniform(const GgufMetadata& metadata, const std::string& key) {
  const GgufValue* value = metadata.find(key);
  if (value == nullptr || !std::holds_alternative<GgufArray>(*value)) return metadata.get_int(key);
  LATHE_TRY(const auto counts, metadata.get_ints(key));
  if (counts.empty()) return Error::bad_input(fmt::format("{} is an empty array", key));
  for (const std::int64_t count : counts) {
    if (count != counts.front())
      return Error::unsupported(fmt::format("{} differs from layer to layer", key));
  }
  return counts.front();
}

Result<std::int64_t> read_head_dim(const GgufMetadata& metadata, const Keys& keys,
                                   const DecoderConfig& c) {
  LATHE_TRY(const auto key_length, metadata.find_int(keys("attention.key_length")));
  LATHE_TRY(const auto value_length, metadata.find_int(keys("attention.value_length")));
  LATHE_TRY(const auto rotated, metadata.find_int(keys("rope.dimension_count")));
  if (!key_length && (c.heads <= 0 || c.hidden_size % c.heads != 0))
    return Error::bad_input(fmt::format("{} ({}) is no multiple of {} ({})",
                                        keys("embedding_length"), c.hidden_size,
                                        keys("attention.head_count"), c.heads));
  const std::int64_t head_dim = key_length ? *key_length : c.hidden_size / c.heads;
  if (value_length.value_or(head_dim) != head_dim)
    return Error::unsupported(fmt::format("{} ({}) differs from the keys' length ({})",
                                          keys("attention.value_length"), *value_length, head_dim));
  if (rotated.value_or(head_dim) != head_dim)
    return Error::unsupported(fmt::format("{} ({}) differs from the head's size ({})",
                                          keys("rope.dimension_count"), *rotated, head_dim));
  return head_dim;
}

Result<std::int64_t> read_vocab_size(const GgufMetadata& metadata, const Keys& keys) {
  LATHE_TRY(const auto given, metadata.find_int(keys("vocab_size")));
  if (!metadata.has("tokenizer.ggml.tokens")) return metadata.get_int(keys("vocab_size"));
  LATHE_TRY(const auto tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (given.value_or(count) < count)
    return Error::bad_input(fmt::format("tokenizer.ggml.tokens has {} tokens, {} is {}", count,
                                        keys("vocab_size"), *given));
  return given.value_or(count);
}

Status read_sizes(const GgufMetadata& metadata, const Keys& keys, DecoderConfig& c) {
  LATHE_TRY(c.vocab_size, read_vocab_size(metadata, keys));
  LATHE_TRY(c.hidden_size, metadata.get_int(keys("embedding_length")));
  LATHE_TRY(c.intermediate_size, get_uniform(metadata, keys("feed_forward_length")));
  LATHE_TRY(c.layers, metadata.get_int(keys("block_count")));
  LATHE_TRY(c.heads, get_uniform(metadata, keys("attention.head_count")));
  c.kv_heads = c.heads;
  if (metadata.has(keys("attention.head_count_kv"))) {
    LATHE_TRY(c.kv_heads, get_uniform(metadata, keys("attention.head_count_kv")));
  }
  LATHE_TRY(c.head_dim, read_head_dim(metadata, keys, c));
  LATHE_TRY(c.max_positions, metadata.get_int(keys("context_length")));
  LATHE_TRY(const double eps, metadata.get_float(keys("attention.layer_norm_rms_epsilon")));
  c.norm_eps = shortest(eps);
  return {};
}

Result<RopeScaling> read_linear(const GgufMetadata& metadata, const Keys& keys) {
  RopeScaling s;
  LATHE_TRY(const auto factor, metadata.find_float(keys("rope.scaling.factor")));
  LATHE_TRY(const auto older, metadata.find_float(keys("rope.scale_linear")));
  if (!factor && !older)
    return Error::bad_input(fmt::format("the metadata has no \"{}\"", keys("rope.scaling.factor")));
  s.kind = RopeScaling::Kind::linear;
  s.factor = shortest(factor ? *factor : *older);
  return s;
}

// llama.cpp sharpens attention by 1 + ln(factor) / 10 itself (ggml_rope_yarn), times attn_factor.
Result<RopeScaling> read_yarn(const GgufMetadata& metadata, const Keys& keys) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::yarn;
  LATHE_TRY(const double factor, metadata.get_float(keys("rope.scaling.factor")));
  s.factor = shortest(factor);
  LATHE_TRY(s.original_positions, metadata.get_int(keys("rope.scaling.original_context_length")));
  LATHE_TRY(const auto fast, metadata.find_float(keys("rope.scaling.yarn_beta_fast")));
  LATHE_TRY(const auto slow, metadata.find_float(keys("rope.scaling.yarn_beta_slow")));
  LATHE_TRY(const auto sharper, metadata.find_float(keys("rope.scaling.attn_factor")));
  s.beta_fast = shortest(fast.value_or(32));
  s.beta_slow = shortest(slow.value_or(1));
  const double usual = s.factor <= 1 ? 1 : 0.1 * std::log(s.factor) + 1;
  s.attention_factor = shortest(sharper.value_or(1)) * usual;
  if (metadata.has(keys("rope.scaling.yarn_log_multiplier")))
    return Error::unsupported(
        fmt::format("{} is not supported", keys("rope.scaling.yarn_log_multiplier")));
  return s;
}

Result<RopeScaling> read_llama3(const GgufMetadata& metadata) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::llama3;
  LATHE_TRY(const double factor, metadata.get_float(kLlama3Factor));
  LATHE_TRY(const double low, metadata.get_float(kLlama3Low));
  LATHE_TRY(const double high, metadata.get_float(kLlama3High));
  LATHE_TRY(s.original_positions, metadata.get_int(kLlama3Positions));
  s.factor = shortest(factor);
  s.low_freq_factor = shortest(low);
  s.high_freq_factor = shortest(high);
  return s;
}

Result<RopeScaling> read_scaling(const GgufMetadata& metadata, const Keys& keys,
                                 const GgufTensorFacts& facts) {
  LATHE_TRY(const auto type, metadata.find_string(keys("rope.scaling.type")));
  if (type && *type != "none" && *type != "linear" && *type != "yarn")
    return Error::unsupported(
        fmt::format("{} {} is not supported", keys("rope.scaling.type"), in_quotes(*type)));
  const bool linear = type ? *type == "linear" : metadata.has(keys("rope.scale_linear"));
  const bool llama3 = metadata.has(kLlama3Factor);
  if (linear && (llama3 || !facts.rope_factors.empty()))
    return Error::unsupported("linear rotary scaling together with rope_freqs.weight");
  if (linear) return read_linear(metadata, keys);
  if (type && *type == "yarn") return read_yarn(metadata, keys);
  if (llama3) return read_llama3(metadata);
  RopeScaling s;
  const bool all_one = std::all_of(facts.rope_factors.begin(), facts.rope_factors.end(),
                                   [](float factor) { return factor == 1.0f; });
  if (all_one) return s;
  s.kind = RopeScaling::Kind::factors;
  s.factors = facts.rope_factors;
  return s;
}

// llama3 parameters must give the factors that stand beside them.
Status check_factors(const DecoderConfig& c, const GgufTensorFacts& facts) {
  if (c.rope.scaling.kind != RopeScaling::Kind::llama3) return {};
  const std::vector<float> expected = rope_divisors(c);
  bool same = expected.size() == facts.rope_factors.size();
  for (std::size_t i = 0; same && i < expected.size(); ++i)
    same = std::fabs(expected[i] - facts.rope_factors[i]) <= 1e-5f * expected[i];
  if (same) return {};
  return Error::bad_input("rope_freqs.weight does not follow from lathe.rope.llama3.*")
      .fix_with("export the model again");
}

Status read_token_ids(const GgufMetadata& metadata, DecoderConfig& c) {
  LATHE_TRY(c.bos_id, metadata.find_int("tokenizer.ggml.bos_token_id"));
  LATHE_TRY(c.pad_id, metadata.find_int("tokenizer.ggml.padding_token_id"));
  if (metadata.has(kEosIds)) {
    LATHE_TRY(c.eos_ids, metadata.get_ints(kEosIds));
    return {};
  }
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id"}) {
    LATHE_TRY(const auto id, metadata.find_int(key));
    if (id && std::find(c.eos_ids.begin(), c.eos_ids.end(), *id) == c.eos_ids.end())
      c.eos_ids.push_back(*id);
  }
  return {};
}

std::uint32_t u32(std::int64_t value) { return static_cast<std::uint32_t>(value); }

void put_scaling(const DecoderConfig& c, const Keys& keys, GgufMetadata& metadata) {
  const RopeScaling& s = c.rope.scaling;
  if (s.kind == RopeScaling::Kind::linear) {
    metadata.set(keys("rope.scaling.type"), std::string("linear"));
    metadata.set(keys("rope.scaling.factor"), static_cast<float>(s.factor));
  }
  if (s.kind == RopeScaling::Kind::yarn) {
    const double usual = s.factor <= 1 ? 1 : 0.1 * std::log(s.factor) + 1;
    metadata.set(keys("rope.scaling.type"), std::string("yarn"));
    metadata.set(keys("rope.scaling.factor"), static_cast<float>(s.factor));
    metadata.set(keys("rope.scaling.original_context_length"), u32(s.original_positions));
    metadata.set(keys("rope.scaling.yarn_beta_fast"), static_cast<float>(s.beta_fast));
    metadata.set(keys("rope.scaling.yarn_beta_slow"), static_cast<float>(s.beta_slow));
    metadata.set(keys("rope.scaling.attn_factor"), static_cast<float>(s.attention_factor / usual));
  }
  if (s.kind == RopeScaling::Kind::llama3) {
    metadata.set(kLlama3Factor, s.factor);
    metadata.set(kLlama3Low, s.low_freq_factor);
    metadata.set(kLlama3High, s.high_freq_factor);
    metadata.set(kLlama3Positions, u32(s.original_positions));
  }
}

// llama.cpp stops at eos, eot and eom; where that does not say all, the whole list stands too.
void put_token_ids(const DecoderConfig& c, GgufMetadata& metadata) {
  if (c.bos_id) metadata.set("tokenizer.ggml.bos_token_id", u32(*c.bos_id));
  if (c.pad_id) metadata.set("tokenizer.ggml.padding_token_id", u32(*c.pad_id));
  constexpr std::array<const char*, 3> kKeys{
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  for (std::size_t i = 0; i < kKeys.size() && i < c.eos_ids.size(); ++i)
    metadata.set(kKeys[i], u32(c.eos_ids[i]));
  if (c.eos_ids.size() <= kKeys.size()) return;
  std::vector<std::uint32_t> all;
  for (const std::int64_t id : c.eos_ids) all.push_back(u32(id));
  metadata.set(kEosIds, GgufArray(std::move(all)));
}

Error no_gguf(const DecoderFamily& family) {
  return Error::unsupported(fmt::format("GGUF files of {} are not supported", family.name))
      .fix_with("use a Hugging Face folder");
}

}  // namespace

Result<DecoderConfig> decoder_config_from_gguf(const GgufMetadata& metadata,
                                               const GgufTensorFacts& facts) {
  DecoderConfig c;
  LATHE_TRY(const std::string_view architecture, metadata.get_string("general.architecture"));
  LATHE_TRY(const DecoderFamily* family, find_gguf_family(architecture));
  const Keys keys(architecture);
  if (!family->in_gguf) return no_gguf(*family);
  c.family = family->name;
  LATHE_CHECK(check_keys(metadata, keys));
  LATHE_CHECK(read_sizes(metadata, keys, c));
  LATHE_TRY(const auto window, metadata.find_int(keys("attention.sliding_window")));
  if (window.value_or(0) != 0)
    return Error::unsupported(fmt::format("{} is {}: which layers it holds for is not said",
                                          keys("attention.sliding_window"), *window))
        .fix_with("import the Hugging Face folder");
  c.qkv_bias = facts.has_qkv_bias;
  c.output_bias = facts.has_output_bias;
  c.mlp_bias = facts.has_mlp_bias;
  c.qk_norm = facts.has_qk_norm;
  LATHE_TRY(const auto theta, metadata.find_float(keys("rope.freq_base")));
  c.rope.theta = shortest(theta.value_or(10000));
  LATHE_TRY(c.rope.scaling, read_scaling(metadata, keys, facts));
  if (!facts.long_rope_factors.empty() || !facts.short_rope_factors.empty())
    return Error::unsupported("rope_factors_long.weight is not supported in this family");
  c.tied_embeddings = !facts.has_output;
  LATHE_CHECK(read_token_ids(metadata, c));
  LATHE_CHECK(check(c));
  LATHE_CHECK(check_factors(c, facts));
  return c;
}

Status to_gguf(const DecoderConfig& c, GgufMetadata& metadata) {
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  if (!family->in_gguf) return no_gguf(*family);
  if (!c.windows.empty())
    return Error::unsupported("GGUF does not say which layers have a sliding window")
        .fix_with("write a Hugging Face folder");
  if (!c.rope.scaling.truncate)
    return Error::unsupported("GGUF cannot say that YaRN's ramp ends between two dimensions")
        .fix_with("write a Hugging Face folder");
  const Keys keys(family->gguf);
  metadata.set("general.architecture", std::string(family->gguf));
  metadata.set(keys("vocab_size"), u32(c.vocab_size));
  metadata.set(keys("context_length"), u32(c.max_positions));
  metadata.set(keys("embedding_length"), u32(c.hidden_size));
  metadata.set(keys("block_count"), u32(c.layers));
  metadata.set(keys("feed_forward_length"), u32(c.intermediate_size));
  metadata.set(keys("attention.head_count"), u32(c.heads));
  metadata.set(keys("attention.head_count_kv"), u32(c.kv_heads));
  metadata.set(keys("attention.key_length"), u32(c.head_dim));
  metadata.set(keys("attention.value_length"), u32(c.head_dim));
  metadata.set(keys("attention.layer_norm_rms_epsilon"), static_cast<float>(c.norm_eps));
  metadata.set(keys("rope.dimension_count"), u32(c.head_dim));
  metadata.set(keys("rope.freq_base"), static_cast<float>(c.rope.theta));
  put_scaling(c, keys, metadata);
  put_token_ids(c, metadata);
  return {};
}

}  // namespace lathe::formats
