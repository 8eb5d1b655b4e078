// DecoderConfig from and to the metadata of a GGUF file: what all architectures share. Rotary
// scaling is in gguf_rope.cc, what one family alone has in its file.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/decoder_config.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"
#include "formats/gguf_fields.h"
#include "formats/gguf_rope.h"

namespace lathe::formats {
namespace {

// Keys of every architecture's namespace that are read below or change nothing.
constexpr std::string_view kKeys[] = {"vocab_size",
                                      "context_length",
                                      "embedding_length",
                                      "block_count",
                                      "feed_forward_length",
                                      "tensor_data_layout",  // how a fused matrix was re-ordered
                                      "attention.head_count",
                                      "attention.head_count_kv",
                                      "attention.key_length",
                                      "attention.value_length",
                                      "attention.layer_norm_epsilon",
                                      "attention.layer_norm_rms_epsilon",
                                      "attention.causal",
                                      "attention.sliding_window",
                                      "attention.sliding_window_pattern",
                                      "expert_count",
                                      "expert_used_count",
                                      "expert_feed_forward_length",
                                      "expert_weights_norm",
                                      "expert_weights_scale",
                                      "expert_gating_func",
                                      "expert_shared_count",
                                      "expert_group_count",
                                      "expert_group_used_count"};

constexpr const char* kEosIds = "lathe.eos_token_ids";
constexpr const char* kActivation = "lathe.activation";
constexpr std::int64_t kMostLayers = 1024;  // as check(): what is larger is refused there

Result<std::int64_t> read_head_dim(const GgufFields& fields, const DecoderConfig& c) {
  LATHE_TRY(const auto key_length, fields.find_int("attention.key_length"));
  LATHE_TRY(const auto value_length, fields.find_int("attention.value_length"));
  if (!key_length && (c.heads <= 0 || c.hidden_size % c.heads != 0))
    return Error::bad_input(fmt::format("{} ({}) is no multiple of {} ({})",
                                        fields.name("embedding_length"), c.hidden_size,
                                        fields.name("attention.head_count"), c.heads));
  const std::int64_t head_dim = key_length ? *key_length : c.hidden_size / c.heads;
  if (value_length.value_or(head_dim) != head_dim)
    return Error::unsupported(fmt::format("{} ({}) differs from the keys' length ({})",
                                          fields.name("attention.value_length"), *value_length,
                                          head_dim));
  return head_dim;
}

Result<std::int64_t> read_vocab_size(const GgufFields& fields) {
  LATHE_TRY(const auto given, fields.find_int("vocab_size"));
  if (!fields.metadata().has("tokenizer.ggml.tokens")) return fields.get_int("vocab_size");
  LATHE_TRY(const auto tokens, fields.metadata().get_strings("tokenizer.ggml.tokens"));
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (given.value_or(count) < count)
    return Error::bad_input(fmt::format("tokenizer.ggml.tokens has {} tokens, {} is {}", count,
                                        fields.name("vocab_size"), *given));
  return given.value_or(count);
}

Status read_sizes(const GgufFields& fields, DecoderConfig& c) {
  LATHE_TRY(c.vocab_size, read_vocab_size(fields));
  LATHE_TRY(c.hidden_size, fields.get_int("embedding_length"));
  LATHE_TRY(c.layers, fields.get_int("block_count"));
  LATHE_TRY(c.intermediate_size, fields.get_uniform("feed_forward_length"));
  LATHE_TRY(c.heads, fields.get_uniform("attention.head_count"));
  c.kv_heads = c.heads;
  if (fields.has("attention.head_count_kv")) {
    LATHE_TRY(c.kv_heads, fields.get_uniform("attention.head_count_kv"));
  }
  LATHE_TRY(c.head_dim, read_head_dim(fields, c));
  LATHE_TRY(c.max_positions, fields.get_int("context_length"));
  LATHE_TRY(c.norm_eps,
            fields.get_number(c.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon"
                                                      : "attention.layer_norm_epsilon"));
  LATHE_TRY(const auto causal, fields.find_bool("attention.causal"));
  if (causal.value_or(true)) return {};
  return Error::unsupported(fields.name("attention.causal") + " is false")
      .fix_with("use a model that generates text");
}

// Layers without a router have a plain MLP.
std::vector<std::int64_t> dense_layers(const GgufFields& fields, const DecoderConfig& c) {
  std::vector<std::int64_t> dense;
  for (std::int64_t layer = 0; layer < std::min(c.layers, kMostLayers); ++layer) {
    if (!fields.facts().has(fmt::format("blk.{}.ffn_gate_inp.weight", layer)))
      dense.push_back(layer);
  }
  return dense;
}

Status read_experts(const GgufFields& fields, const DecoderFamily& family, DecoderConfig& c) {
  LATHE_TRY(const auto count, fields.find_int("expert_count"));
  if (count.value_or(0) == 0) {
    if (!family.has_experts) return fields.allow_only("expert_used_count", 0);
    return Error::bad_input(fmt::format("the metadata has no \"{}\"", fields.name("expert_count")));
  }
  if (!family.has_experts)
    return Error::unsupported(fmt::format("{} is {}: {} has no mixture of experts",
                                          fields.name("expert_count"), *count, family.name));
  c.experts.count = *count;
  LATHE_TRY(c.experts.used, fields.get_int("expert_used_count"));
  LATHE_TRY(const auto inner, fields.find_int("expert_feed_forward_length"));
  LATHE_TRY(const auto normalised, fields.find_bool("expert_weights_norm"));
  c.experts.intermediate_size = inner.value_or(c.intermediate_size);
  c.experts.normalised = normalised.value_or(true);
  c.experts.dense_layers = dense_layers(fields, c);
  LATHE_CHECK(fields.allow_only("expert_weights_scale", 1));
  LATHE_CHECK(fields.allow_only("expert_gating_func", 1));  // softmax
  LATHE_CHECK(fields.allow_only("expert_shared_count", 0));
  LATHE_CHECK(fields.allow_only("expert_group_count", 1));
  return fields.allow_only("expert_group_used_count", 1);
}

// llama.cpp's set_swa_pattern().
bool slides(std::int64_t layer, std::int64_t period) {
  return period == 0 || layer % period < period - 1;
}

// attention.sliding_window_pattern: a period, or a flag for each layer.
Result<std::vector<bool>> read_pattern(const GgufFields& fields, const DecoderFamily& family,
                                       std::int64_t layers) {
  const std::string key = fields.name("attention.sliding_window_pattern");
  const GgufValue* given = fields.metadata().find(key);
  std::vector<bool> flags;
  if (given != nullptr && std::holds_alternative<GgufArray>(*given)) {
    if (const auto* bools = std::get_if<std::vector<bool>>(&std::get<GgufArray>(*given))) {
      flags = *bools;
    } else {
      LATHE_TRY(const auto numbers, fields.metadata().get_ints(key));
      for (const std::int64_t number : numbers) flags.push_back(number != 0);
    }
    if (static_cast<std::int64_t>(flags.size()) == layers) return flags;
    return Error::bad_input(
        fmt::format("{} has {} entries for {} layers", key, flags.size(), layers));
  }
  LATHE_TRY(const auto number, fields.metadata().find_int(key));
  const std::int64_t period = number.value_or(family.gguf_window_period);
  if (period < 0)
    return Error::unsupported(fmt::format("{} is given, and which layers it holds for is not said",
                                          fields.name("attention.sliding_window")))
        .fix_with("import the Hugging Face folder");
  for (std::int64_t layer = 0; layer < layers; ++layer) flags.push_back(slides(layer, period));
  return flags;
}

Status read_windows(const GgufFields& fields, const DecoderFamily& family, DecoderConfig& c) {
  LATHE_TRY(const auto window, fields.find_int("attention.sliding_window"));
  const std::int64_t size = window.value_or(family.gguf_default_window);
  if (size < 0)
    return Error::bad_input(
        fmt::format("{} is {}, below 0", fields.name("attention.sliding_window"), size));
  if (size == 0) return {};
  if (c.layers <= 0 || c.layers > kMostLayers) return {};  // check() refuses it
  LATHE_TRY(const std::vector<bool> flags, read_pattern(fields, family, c.layers));
  if (std::find(flags.begin(), flags.end(), true) == flags.end()) return {};
  for (const bool flag : flags) c.windows.push_back(flag ? size : 0);
  return {};
}

Status read_activation(const GgufMetadata& metadata, DecoderConfig& c) {
  LATHE_TRY(const auto name, metadata.find_string(kActivation));
  if (!name) return {};
  LATHE_TRY(c.activation, activation_named(*name).at(kActivation));
  return {};
}

// What the presence of tensors says.
void read_facts(const GgufTensorFacts& facts, DecoderConfig& c) {
  c.tied_embeddings = !facts.has("output.weight");
  c.qkv_bias = facts.has("blk.0.attn_q.bias") || facts.has("blk.0.attn_qkv.bias");
  c.output_bias = facts.has("blk.0.attn_output.bias");
  c.mlp_bias = facts.has("blk.0.ffn_up.bias");
  c.qk_norm = facts.has("blk.0.attn_q_norm.weight");
}

Status read_token_ids(const GgufMetadata& metadata, DecoderConfig& c) {
  c.eos_ids.clear();
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

void put_sizes(const DecoderConfig& c, GgufKeys& keys) {
  keys.put_count("vocab_size", c.vocab_size);
  keys.put_count("context_length", c.max_positions);
  keys.put_count("embedding_length", c.hidden_size);
  keys.put_count("block_count", c.layers);
  keys.put_count("feed_forward_length", c.intermediate_size);
  keys.put_count("attention.head_count", c.heads);
  keys.put_count("attention.head_count_kv", c.kv_heads);
  keys.put_count("attention.key_length", c.head_dim);
  keys.put_count("attention.value_length", c.head_dim);
  keys.put_number(
      c.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
      c.norm_eps);
}

void put_experts(const DecoderConfig& c, GgufKeys& keys) {
  if (c.experts.count == 0) return;
  keys.put_count("expert_count", c.experts.count);
  keys.put_count("expert_used_count", c.experts.used);
  keys.put_count("expert_feed_forward_length", c.experts.intermediate_size);
  if (!c.experts.normalised) keys.put("expert_weights_norm", false);
}

Status put_windows(const DecoderFamily& family, const DecoderConfig& c, GgufKeys& keys) {
  constexpr const char* kWindow = "attention.sliding_window";
  constexpr const char* kPattern = "attention.sliding_window_pattern";
  if (c.windows.empty()) {
    // Where llama.cpp has a window of its own accord, it must be told.
    if (family.gguf_default_window > 0) keys.put_count(kPattern, 1);
    return {};
  }
  const std::int64_t size = *std::max_element(c.windows.begin(), c.windows.end());
  std::vector<bool> flags;
  for (const std::int64_t window : c.windows) {
    if (window != 0 && window != size)
      return Error::unsupported("GGUF cannot say sliding windows of several sizes")
          .fix_with("write a Hugging Face folder");
    flags.push_back(window > 0);
  }
  keys.put_count(kWindow, size);
  const auto period = window_period(c.windows);
  if (period == family.gguf_window_period) return {};
  if (period && family.gguf_window_period >= 0) {
    keys.put_count(kPattern, *period);
  } else {
    keys.put(kPattern, GgufArray(std::move(flags)));
  }
  return {};
}

void put_activation(const DecoderFamily& family, const DecoderConfig& c, GgufMetadata& metadata) {
  DecoderConfig usual;
  family.defaults(usual);
  if (usual.activation != c.activation)
    metadata.set(kActivation, std::string(name_of(c.activation)));
}

// llama.cpp stops at eos, eot and eom; where that does not say all, the whole list stands too.
void put_token_ids(const DecoderConfig& c, GgufMetadata& metadata) {
  const auto u32 = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  if (c.bos_id) metadata.set("tokenizer.ggml.bos_token_id", u32(*c.bos_id));
  if (c.pad_id) metadata.set("tokenizer.ggml.padding_token_id", u32(*c.pad_id));
  constexpr std::array<const char*, 3> kIds{
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  for (std::size_t i = 0; i < kIds.size() && i < c.eos_ids.size(); ++i)
    metadata.set(kIds[i], u32(c.eos_ids[i]));
  if (c.eos_ids.size() <= kIds.size()) return;
  std::vector<std::uint32_t> all;
  for (const std::int64_t id : c.eos_ids) all.push_back(u32(id));
  metadata.set(kEosIds, GgufArray(std::move(all)));
}

// Rows of queries and keys are interleaved whole, so whole heads must be rotated.
Status check_interleaved(const DecoderFamily& family, const DecoderConfig& c) {
  if (!family.gguf_interleaves || rotary_dim_of(c) == c.head_dim) return {};
  return Error::unsupported(
      fmt::format("{}.rope.dimension_count ({}) differs from the head's size ({})", family.gguf,
                  rotary_dim_of(c), c.head_dim));
}

// What no key says.
Status check_sayable(const DecoderFamily& family, const DecoderConfig& c) {
  const auto& keys = family.gguf_keys;
  const bool says_scale = std::find(keys.begin(), keys.end(), "attention.scale") != keys.end();
  const char* what = nullptr;
  if (c.scores_by_layer) what = "that attention scores are divided by their layer's number";
  if (c.query_scale != 0 && !says_scale) what = "how attention scores are scaled";
  if (c.rope.exponent_dim != 0) what = "that an odd number of values is rotated";
  if (what == nullptr) return {};
  return Error::unsupported(fmt::format("GGUF cannot say {}", what))
      .fix_with("write a Hugging Face folder");
}

}  // namespace

std::optional<std::int64_t> window_period(const std::vector<std::int64_t>& windows) {
  for (std::int64_t period = 0; period <= static_cast<std::int64_t>(windows.size()); ++period) {
    bool same = true;
    for (std::size_t i = 0; i < windows.size(); ++i)
      same = same && slides(static_cast<std::int64_t>(i), period) == (windows[i] > 0);
    if (same) return period;
  }
  return std::nullopt;
}

Result<DecoderConfig> decoder_config_from_gguf(const GgufMetadata& metadata,
                                               const GgufTensorFacts& facts) {
  LATHE_TRY(const std::string_view architecture, metadata.get_string("general.architecture"));
  const GgufFields fields(metadata, facts, architecture);
  LATHE_TRY(const DecoderFamily* family, find_gguf_family(architecture, fields));
  DecoderConfig c;
  c.family = family->name;
  family->defaults(c);
  LATHE_CHECK(fields.check_known({kKeys, gguf_rope_keys(), family->gguf_keys}));
  LATHE_CHECK(read_sizes(fields, c));
  read_facts(facts, c);
  LATHE_CHECK(read_activation(metadata, c));
  LATHE_CHECK(read_experts(fields, *family, c));
  LATHE_CHECK(read_windows(fields, *family, c));
  if (c.positions == PositionKind::rotary) LATHE_CHECK(read_gguf_rope(fields, c));
  if (family->read_gguf != nullptr) LATHE_CHECK(family->read_gguf(fields, c));
  LATHE_CHECK(read_token_ids(metadata, c));
  LATHE_CHECK(check_interleaved(*family, c));
  LATHE_CHECK(check(c));
  LATHE_CHECK(check_gguf_rope(fields, c));
  return c;
}

Status to_gguf(const DecoderConfig& c, GgufMetadata& metadata) {
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  LATHE_CHECK(check_interleaved(*family, c));
  LATHE_CHECK(check_sayable(*family, c));
  metadata.set("general.architecture", std::string(family->gguf));
  GgufKeys keys(metadata, family->gguf);
  put_sizes(c, keys);
  put_experts(c, keys);
  LATHE_CHECK(put_windows(*family, c, keys));
  if (c.positions == PositionKind::rotary) LATHE_CHECK(write_gguf_rope(c, keys));
  if (family->write_gguf != nullptr) family->write_gguf(c, keys);
  put_activation(*family, c, metadata);
  put_token_ids(c, metadata);
  return {};
}

}  // namespace lathe::formats
