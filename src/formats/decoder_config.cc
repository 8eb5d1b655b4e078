#include "formats/decoder_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "formats/config_bounds.h"
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kMaxExperts = 4096;
constexpr std::int64_t kMaxHeadDim = 4096;
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 30;
// The model computes in f32: what is smaller or larger would not reach it.
constexpr double kMaxTheta = 1e15;
constexpr double kLeastFactor = 1e-6;
constexpr double kMaxFactor = 1e6;

Status check_real(const char* field, double value, double least, double most) {
  if (value >= least && value <= most) return {};  // false for NaN
  return Error::bad_input(fmt::format("{} is {}, outside {} to {}", field, value, least, most));
}

Status check_factor(const char* field, double value) {
  return check_real(field, value, kLeastFactor, kMaxFactor);
}

Status check_sizes(const DecoderConfig& c) {
  LATHE_CHECK(check_range("vocab_size", c.vocab_size, 1, kMaxVocab));
  LATHE_CHECK(check_range("hidden_size", c.hidden_size, 1, kMaxWidth));
  LATHE_CHECK(check_range("intermediate_size", c.intermediate_size, 1, kMaxWidth));
  LATHE_CHECK(check_range("num_hidden_layers", c.layers, 1, kMaxLayers));
  LATHE_CHECK(check_range("num_attention_heads", c.heads, 1, kMaxHeads));
  LATHE_CHECK(check_range("num_key_value_heads", c.kv_heads, 1, c.heads));
  if (c.heads % c.kv_heads != 0)
    return Error::bad_input(
        fmt::format("num_attention_heads ({}) is no multiple of num_key_value_heads ({})", c.heads,
                    c.kv_heads));
  LATHE_CHECK(check_range("head_dim", c.head_dim, 1, kMaxHeadDim));
  if (c.head_dim % 2 != 0 && c.positions == PositionKind::rotary)
    return Error::bad_input(
        fmt::format("head_dim is {}; rotary positions need an even number", c.head_dim));
  LATHE_CHECK(check_range("max_position_embeddings", c.max_positions, 1, kMaxPositions));
  LATHE_CHECK(check_real("norm_offset", c.norm_offset, 0, 1));
  return check_real("the norms' epsilon", c.norm_eps, kLeastEps, 1);
}

// What only some families have.
Status check_extras(const DecoderConfig& c) {
  LATHE_CHECK(check_range("rotary_dim", c.rotary_dim, 0, c.head_dim));
  if (c.rotary_dim % 2 != 0)
    return Error::bad_input(
        fmt::format("{} values of a head are rotated; it must be an even number", c.rotary_dim));
  const std::int64_t groups = c.fused_qkv.groups;
  if (groups < 0 || (groups > 0 && (c.heads % groups != 0 || c.kv_heads % groups != 0)))
    return Error::bad_input(fmt::format("{} heads and {} key/value heads are not {} groups",
                                        c.heads, c.kv_heads, groups));
  LATHE_CHECK(check_real("the embeddings' scale", c.embedding_scale, kLeastFactor, kMaxFactor));
  LATHE_CHECK(check_real("the queries' scale", c.query_scale, 0, kMaxFactor));
  LATHE_CHECK(check_real("attn_logit_softcapping", c.attention_softcap, 0, kMaxFactor));
  return check_real("final_logit_softcapping", c.logit_softcap, 0, kMaxFactor);
}

Status check_experts(const DecoderConfig& c) {
  const ExpertsConfig& e = c.experts;
  LATHE_CHECK(check_range("the number of experts", e.count, 0, kMaxExperts));
  if (e.count == 0) return {};
  LATHE_CHECK(check_range("num_experts_per_tok", e.used, 1, e.count));
  LATHE_CHECK(check_range("the experts' intermediate_size", e.intermediate_size, 1, kMaxWidth));
  for (const std::int64_t layer : e.dense_layers)
    LATHE_CHECK(check_range("a layer without experts", layer, 0, c.layers - 1));
  return {};
}

Status check_yarn(const RopeScaling& s) {
  LATHE_CHECK(check_factor("rope_scaling.factor", s.factor));
  LATHE_CHECK(check_factor("rope_scaling.beta_fast", s.beta_fast));
  LATHE_CHECK(check_factor("rope_scaling.beta_slow", s.beta_slow));
  LATHE_CHECK(check_factor("rope_scaling.attention_factor", s.attention_factor));
  return check_range("rope_scaling.original_max_position_embeddings", s.original_positions, 1,
                     kMaxPositions);
}

Status check_windows(const DecoderConfig& c) {
  if (!c.windows.empty() && static_cast<std::int64_t>(c.windows.size()) != c.layers)
    return Error::bad_input(
        fmt::format("there are windows for {} of {} layers", c.windows.size(), c.layers));
  for (const std::int64_t window : c.windows)
    LATHE_CHECK(check_range("sliding_window", window, 0, kMaxPositions));
  return {};
}

Status check_factors(const char* name, const std::vector<float>& factors, std::int64_t wanted) {
  if (static_cast<std::int64_t>(factors.size()) != wanted)
    return Error::bad_input(fmt::format("{} has {} factors; {} values of a head are rotated", name,
                                        factors.size(), 2 * wanted));
  for (const float factor : factors) LATHE_CHECK(check_factor(name, factor));
  return {};
}

Status check_rope(const RopeConfig& rope, std::int64_t rotary_dim) {
  const RopeScaling& s = rope.scaling;
  LATHE_CHECK(check_range("the rotary values", exponent_dim_of(rope, rotary_dim), 1, rotary_dim));
  LATHE_CHECK(check_real("rope_theta", rope.theta, 1, kMaxTheta));
  switch (s.kind) {
    case RopeScaling::Kind::none:
      return {};
    case RopeScaling::Kind::linear:
      return check_factor("rope_scaling.factor", s.factor);
    case RopeScaling::Kind::dynamic:
      if (rotary_dim <= 2)
        return Error::unsupported("dynamic rotary scaling needs more than 2 rotated values");
      return check_factor("rope_scaling.factor", s.factor);
    case RopeScaling::Kind::yarn:
      return check_yarn(s);
    case RopeScaling::Kind::llama3:
      LATHE_CHECK(check_factor("rope_scaling.factor", s.factor));
      LATHE_CHECK(check_factor("rope_scaling.low_freq_factor", s.low_freq_factor));
      LATHE_CHECK(check_factor("rope_scaling.high_freq_factor", s.high_freq_factor));
      if (s.high_freq_factor <= s.low_freq_factor)
        return Error::bad_input(
            fmt::format("rope_scaling.high_freq_factor ({}) is not above low_freq_factor ({})",
                        s.high_freq_factor, s.low_freq_factor));
      return check_range("rope_scaling.original_max_position_embeddings", s.original_positions, 1,
                         kMaxPositions);
    case RopeScaling::Kind::factors:
      return check_factors("rope_freqs.weight", s.factors, rotary_dim / 2);
    case RopeScaling::Kind::longrope:
      LATHE_CHECK(check_factor("rope_scaling.attention_factor", s.attention_factor));
      LATHE_CHECK(check_factors("short_factor", s.factors, rotary_dim / 2));
      LATHE_CHECK(check_factors("long_factor", s.long_factors, rotary_dim / 2));
      return check_range("original_max_position_embeddings", s.original_positions, 1,
                         kMaxPositions);
  }
  return {};
}

Status check_token_ids(const DecoderConfig& c) {
  if (c.bos_id) LATHE_CHECK(check_range("bos_token_id", *c.bos_id, 0, c.vocab_size - 1));
  if (c.pad_id) LATHE_CHECK(check_range("pad_token_id", *c.pad_id, 0, c.vocab_size - 1));
  for (const std::int64_t id : c.eos_ids)
    LATHE_CHECK(check_range("eos_token_id", id, 0, c.vocab_size - 1));
  return {};
}

// Llama 3.1's rule for one frequency (modeling_rope_utils, _compute_llama3_parameters): waves
// longer than the old context allows are stretched whole, short ones not, and between the two
// limits by a blend that is linear in original_positions / wavelength.
double llama3_divisor(const RopeScaling& s, double frequency) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double turns = static_cast<double>(s.original_positions) / wavelength;
  if (turns > s.high_freq_factor) return 1;
  if (turns < s.low_freq_factor) return s.factor;
  const double blend = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
  return 1 / ((1 - blend) / s.factor + blend);
}

// YaRN's rule for frequency i of a head (Peng et al. 2023; modeling_rope_utils,
// _compute_yarn_parameters): a ramp over dimensions from those that turn beta_fast times within the
// old context, which are kept, to those that turn beta_slow times, which are stretched whole.
double yarn_divisor(const RopeConfig& rope, std::int64_t rotary_dim, std::size_t i) {
  const RopeScaling& s = rope.scaling;
  const auto dim = static_cast<double>(exponent_dim_of(rope, rotary_dim));
  const auto dimension_of = [&](double turns) {
    return dim *
           std::log(static_cast<double>(s.original_positions) / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(rope.theta));
  };
  double low = dimension_of(s.beta_fast);
  double high = dimension_of(s.beta_slow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // as the source does, against a division by zero
  const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  return 1 / (ramp / s.factor + 1 - ramp);
}

double divisor(const RopeConfig& rope, std::int64_t rotary_dim, std::size_t i) {
  const auto dim = static_cast<double>(exponent_dim_of(rope, rotary_dim));
  const double exponent = -2.0 * static_cast<double>(i) / dim;
  switch (rope.scaling.kind) {
    case RopeScaling::Kind::linear:
      return rope.scaling.factor;
    case RopeScaling::Kind::llama3:
      return llama3_divisor(rope.scaling, std::pow(rope.theta, exponent));
    case RopeScaling::Kind::yarn:
      return yarn_divisor(rope, rotary_dim, i);
    default:
      return 1;
  }
}

}  // namespace

std::int64_t window_of(const DecoderConfig& config, std::size_t layer) {
  return config.windows.empty() ? 0 : config.windows[layer];
}

std::int64_t context_limit(const DecoderConfig& config) {
  const RopeScaling& s = config.rope.scaling;
  if (s.kind != RopeScaling::Kind::dynamic || s.factor <= 1) return config.max_positions;
  const double stretched = static_cast<double>(config.max_positions) * s.factor;
  return static_cast<std::int64_t>(std::min(stretched, static_cast<double>(kMaxPositions)));
}

double dynamic_theta(const RopeConfig& rope, std::int64_t rotary_dim, std::int64_t max_positions,
                     std::int64_t length) {
  const double factor = rope.scaling.factor;
  const double longer = static_cast<double>(length) / static_cast<double>(max_positions);
  const auto dim = static_cast<double>(exponent_dim_of(rope, rotary_dim));
  return rope.theta * std::pow(factor * longer - (factor - 1), dim / (dim - 2));
}

std::int64_t rotary_dim_of(const DecoderConfig& config) {
  return config.rotary_dim > 0 ? config.rotary_dim : config.head_dim;
}

std::int64_t exponent_dim_of(const RopeConfig& rope, std::int64_t rotary_dim) {
  return rope.exponent_dim > 0 ? rope.exponent_dim : rotary_dim;
}

bool has_experts(const DecoderConfig& config, std::int64_t layer) {
  const std::vector<std::int64_t>& dense = config.experts.dense_layers;
  return config.experts.count > 0 && !std::binary_search(dense.begin(), dense.end(), layer);
}

Status check(const DecoderConfig& config) {
  LATHE_CHECK(find_decoder_family(config.family));
  LATHE_CHECK(check_sizes(config));
  LATHE_CHECK(check_extras(config));
  LATHE_CHECK(check_experts(config));
  LATHE_CHECK(check_windows(config));
  LATHE_CHECK(check_rope(config.rope, rotary_dim_of(config)));
  if (config.window_rope)
    LATHE_CHECK(check_rope(*config.window_rope, rotary_dim_of(config)).at("sliding_attention"));
  return check_token_ids(config);
}

std::vector<float> rope_divisors(const RopeConfig& rope, std::int64_t rotary_dim) {
  const RopeScaling& s = rope.scaling;
  if (s.kind == RopeScaling::Kind::factors || s.kind == RopeScaling::Kind::longrope)
    return s.factors;
  const auto half = static_cast<std::size_t>(rotary_dim / 2);
  std::vector<float> divisors(half, 1.0f);
  for (std::size_t i = 0; i < half; ++i)
    divisors[i] = static_cast<float>(divisor(rope, rotary_dim, i));
  return divisors;
}

std::vector<float> rope_divisors(const DecoderConfig& config) {
  return rope_divisors(config.rope, rotary_dim_of(config));
}

}  // namespace lathe::formats
