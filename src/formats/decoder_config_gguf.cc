// DecoderConfig from and to the metadata of a GGUF file of architecture "llama".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "formats/decoder_config.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kPrefix = "llama.";

// Keys that are read below. Any other key of the architecture's own namespace would change what the
// model computes, so it is refused by name.
constexpr std::array<std::string_view, 19> kKnownKeys{"llama.vocab_size",
                                                      "llama.context_length",
                                                      "llama.embedding_length",
                                                      "llama.block_count",
                                                      "llama.feed_forward_length",
                                                      "llama.attention.head_count",
                                                      "llama.attention.head_count_kv",
                                                      "llama.attention.key_length",
                                                      "llama.attention.value_length",
                                                      "llama.attention.layer_norm_rms_epsilon",
                                                      "llama.rope.dimension_count",
                                                      "llama.rope.freq_base",
                                                      "llama.rope.scaling.type",
                                                      "llama.rope.scaling.factor",
                                                      "llama.rope.scale_linear",
                                                      "llama.rope.scaling.original_context_length",
                                                      "llama.rope.scaling.finetuned",
                                                      "llama.expert_count",
                                                      "llama.expert_used_count"};

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

Status check_architecture(const GgufMetadata& metadata) {
  LATHE_TRY(const std::string_view architecture, metadata.get_string("general.architecture"));
  if (architecture != "llama")
    return Error::unsupported(
               fmt::format("architecture {} is not supported", in_quotes(architecture)))
        .fix_with("use a model of the LLaMA family (architecture \"llama\")");
  for (const auto& [key, value] : metadata.entries()) {
    if (key.starts_with(kPrefix) &&
        std::find(kKnownKeys.begin(), kKnownKeys.end(), key) == kKnownKeys.end())
      return Error::unsupported(fmt::format("metadata {} is not supported", in_quotes(key)));
  }
  for (const char* key : {"llama.expert_count", "llama.expert_used_count"}) {
    LATHE_TRY(const auto experts, metadata.find_int(key));
    if (experts.value_or(0) != 0)
      return Error::unsupported(
          fmt::format("{} is {}: mixtures of experts are not supported", key, *experts));
  }
  return {};
}

// A count that some files give once for each layer; all must then be the same.
Result<std::int64_t> get_uniform(const GgufMetadata& metadata, const char* key) {
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

Result<std::int64_t> read_head_dim(const GgufMetadata& metadata, const DecoderConfig& c) {
  LATHE_TRY(const auto key_length, metadata.find_int("llama.attention.key_length"));
  LATHE_TRY(const auto value_length, metadata.find_int("llama.attention.value_length"));
  LATHE_TRY(const auto rotated, metadata.find_int("llama.rope.dimension_count"));
  if (!key_length && (c.heads <= 0 || c.hidden_size % c.heads != 0))
    return Error::bad_input(
        fmt::format("llama.embedding_length ({}) is no multiple of llama.attention.head_count ({})",
                    c.hidden_size, c.heads));
  const std::int64_t head_dim = key_length ? *key_length : c.hidden_size / c.heads;
  if (value_length.value_or(head_dim) != head_dim)
    return Error::unsupported(
        fmt::format("llama.attention.value_length ({}) differs from the keys' length ({})",
                    *value_length, head_dim));
  if (rotated.value_or(head_dim) != head_dim)
    return Error::unsupported(fmt::format(
        "llama.rope.dimension_count ({}) differs from the head's size ({})", *rotated, head_dim));
  return head_dim;
}

Result<std::int64_t> read_vocab_size(const GgufMetadata& metadata) {
  LATHE_TRY(const auto given, metadata.find_int("llama.vocab_size"));
  if (!metadata.has("tokenizer.ggml.tokens")) return metadata.get_int("llama.vocab_size");
  LATHE_TRY(const auto tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (given.value_or(count) < count)
    return Error::bad_input(
        fmt::format("tokenizer.ggml.tokens has {} tokens, llama.vocab_size is {}", count, *given));
  return given.value_or(count);
}

Status read_sizes(const GgufMetadata& metadata, DecoderConfig& c) {
  LATHE_TRY(c.vocab_size, read_vocab_size(metadata));
  LATHE_TRY(c.hidden_size, metadata.get_int("llama.embedding_length"));
  LATHE_TRY(c.intermediate_size, get_uniform(metadata, "llama.feed_forward_length"));
  LATHE_TRY(c.layers, metadata.get_int("llama.block_count"));
  LATHE_TRY(c.heads, get_uniform(metadata, "llama.attention.head_count"));
  c.kv_heads = c.heads;
  if (metadata.has("llama.attention.head_count_kv")) {
    LATHE_TRY(c.kv_heads, get_uniform(metadata, "llama.attention.head_count_kv"));
  }
  LATHE_TRY(c.head_dim, read_head_dim(metadata, c));
  LATHE_TRY(c.max_positions, metadata.get_int("llama.context_length"));
  LATHE_TRY(const double eps, metadata.get_float("llama.attention.layer_norm_rms_epsilon"));
  c.rms_norm_eps = shortest(eps);
  return {};
}

Result<RopeScaling> read_linear(const GgufMetadata& metadata) {
  RopeScaling s;
  LATHE_TRY(const auto factor, metadata.find_float("llama.rope.scaling.factor"));
  LATHE_TRY(const auto older, metadata.find_float("llama.rope.scale_linear"));
  if (!factor && !older)
    return Error::bad_input("the metadata has no \"llama.rope.scaling.factor\"");
  s.kind = RopeScaling::Kind::linear;
  s.factor = shortest(factor ? *factor : *older);
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

Result<RopeScaling> read_scaling(const GgufMetadata& metadata, const GgufTensorFacts& facts) {
  LATHE_TRY(const auto type, metadata.find_string("llama.rope.scaling.type"));
  if (type && *type != "none" && *type != "linear")
    return Error::unsupported(
        fmt::format("llama.rope.scaling.type {} is not supported", in_quotes(*type)));
  const bool linear = type ? *type == "linear" : metadata.has("llama.rope.scale_linear");
  const bool llama3 = metadata.has(kLlama3Factor);
  if (linear && (llama3 || !facts.rope_factors.empty()))
    return Error::unsupported("linear rotary scaling together with rope_freqs.weight");
  if (linear) return read_linear(metadata);
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

void put_scaling(const DecoderConfig& c, GgufMetadata& metadata) {
  const RopeScaling& s = c.rope.scaling;
  if (s.kind == RopeScaling::Kind::linear) {
    metadata.set("llama.rope.scaling.type", std::string("linear"));
    metadata.set("llama.rope.scaling.factor", static_cast<float>(s.factor));
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

}  // namespace

Result<DecoderConfig> decoder_config_from_gguf(const GgufMetadata& metadata,
                                               const GgufTensorFacts& facts) {
  DecoderConfig c;
  LATHE_CHECK(check_architecture(metadata));
  LATHE_CHECK(read_sizes(metadata, c));
  LATHE_TRY(const auto theta, metadata.find_float("llama.rope.freq_base"));
  c.rope.theta = shortest(theta.value_or(10000));
  LATHE_TRY(c.rope.scaling, read_scaling(metadata, facts));
  c.tied_embeddings = !facts.has_output;
  LATHE_CHECK(read_token_ids(metadata, c));
  LATHE_CHECK(check(c));
  LATHE_CHECK(check_factors(c, facts));
  return c;
}

void to_gguf(const DecoderConfig& c, GgufMetadata& metadata) {
  metadata.set("general.architecture", std::string("llama"));
  metadata.set("llama.vocab_size", u32(c.vocab_size));
  metadata.set("llama.context_length", u32(c.max_positions));
  metadata.set("llama.embedding_length", u32(c.hidden_size));
  metadata.set("llama.block_count", u32(c.layers));
  metadata.set("llama.feed_forward_length", u32(c.intermediate_size));
  metadata.set("llama.attention.head_count", u32(c.heads));
  metadata.set("llama.attention.head_count_kv", u32(c.kv_heads));
  metadata.set("llama.attention.key_length", u32(c.head_dim));
  metadata.set("llama.attention.value_length", u32(c.head_dim));
  metadata.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(c.rms_norm_eps));
  metadata.set("llama.rope.dimension_count", u32(c.head_dim));
  metadata.set("llama.rope.freq_base", static_cast<float>(c.rope.theta));
  put_scaling(c, metadata);
  put_token_ids(c, metadata);
}

}  // namespace lathe::formats
