#include "formats/gguf_rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kRopeKeys[] = {"rope.dimension_count",
                                          "rope.freq_base",
                                          "rope.freq_base_swa",
                                          "rope.scale_linear",
                                          "rope.scaling.type",
                                          "rope.scaling.factor",
                                          "rope.scaling.original_context_length",
                                          "rope.scaling.finetuned",  // says how it was trained
                                          "rope.scaling.attn_factor",
                                          "rope.scaling.yarn_ext_factor",
                                          "rope.scaling.yarn_beta_fast",
                                          "rope.scaling.yarn_beta_slow"};

// What GGUF has no key for; llama.cpp does not read these.
constexpr const char* kLlama3Factor = "lathe.rope.llama3.factor";
constexpr const char* kLlama3Low = "lathe.rope.llama3.low_freq_factor";
constexpr const char* kLlama3High = "lathe.rope.llama3.high_freq_factor";
constexpr const char* kLlama3Positions = "lathe.rope.llama3.original_context_length";
constexpr const char* kDynamicFactor = "lathe.rope.dynamic.factor";

Result<RopeScaling> read_linear(const GgufFields& fields) {
  RopeScaling s;
  LATHE_TRY(const auto factor, fields.find_number("rope.scaling.factor"));
  LATHE_TRY(const auto older, fields.find_number("rope.scale_linear"));
  if (!factor && !older)
    return Error::bad_input(
        fmt::format("the metadata has no \"{}\"", fields.name("rope.scaling.factor")));
  s.kind = RopeScaling::Kind::linear;
  s.factor = factor ? *factor : *older;
  return s;
}

double usual_yarn_attention(double factor) { return factor <= 1 ? 1 : 0.1 * std::log(factor) + 1; }

// llama.cpp sharpens attention by 1 + ln(factor) / 10 itself (ggml_rope_yarn), times attn_factor.
Result<RopeScaling> read_yarn(const GgufFields& fields) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::yarn;
  LATHE_TRY(s.factor, fields.get_number("rope.scaling.factor"));
  LATHE_TRY(s.original_positions, fields.get_int("rope.scaling.original_context_length"));
  LATHE_TRY(const auto fast, fields.find_number("rope.scaling.yarn_beta_fast"));
  LATHE_TRY(const auto slow, fields.find_number("rope.scaling.yarn_beta_slow"));
  LATHE_TRY(const auto sharper, fields.find_number("rope.scaling.attn_factor"));
  s.beta_fast = fast.value_or(32);
  s.beta_slow = slow.value_or(1);
  s.attention_factor = sharper.value_or(1) * usual_yarn_attention(s.factor);
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

Result<RopeScaling> read_longrope(const GgufFields& fields) {
  const GgufTensorFacts& facts = fields.facts();
  if (facts.long_rope_factors.empty() || facts.short_rope_factors.empty())
    return Error::bad_input(fmt::format(
        "{} is missing", facts.long_rope_factors.empty() ? kLongFactors : kShortFactors));
  RopeScaling s;
  s.kind = RopeScaling::Kind::longrope;
  s.factors = facts.short_rope_factors;
  s.long_factors = facts.long_rope_factors;
  LATHE_TRY(s.original_positions, fields.get_int("rope.scaling.original_context_length"));
  LATHE_TRY(const auto sharper, fields.find_number("rope.scaling.attn_factor"));
  s.attention_factor = sharper.value_or(1);
  return s;
}

// rope_freqs.weight, with the parameters that it was made from where a file of ours has them.
Result<RopeScaling> read_factors(const GgufFields& fields) {
  if (fields.metadata().has(kLlama3Factor)) return read_llama3(fields.metadata());
  const std::vector<float>& factors = fields.facts().rope_factors;
  RopeScaling s;
  if (std::all_of(factors.begin(), factors.end(), [](float factor) { return factor == 1.0f; }))
    return s;
  s.kind = RopeScaling::Kind::factors;
  s.factors = factors;
  return s;
}

Result<RopeScaling> read_dynamic(const GgufMetadata& metadata) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::dynamic;
  LATHE_TRY(const double factor, metadata.get_float(kDynamicFactor));
  s.factor = shortest(factor);
  return s;
}

// Which of the rules above holds; two at once are refused.
Result<RopeScaling> read_scaling(const GgufFields& fields) {
  LATHE_TRY(const auto given, fields.find_string("rope.scaling.type"));
  const std::string_view type = given                             ? *given
                                : fields.has("rope.scale_linear") ? "linear"
                                                                  : "none";
  const GgufTensorFacts& facts = fields.facts();
  const bool two_sets = !facts.long_rope_factors.empty() || !facts.short_rope_factors.empty();
  const bool one_set = !facts.rope_factors.empty() || fields.metadata().has(kLlama3Factor);
  const bool dynamic = fields.metadata().has(kDynamicFactor);
  if (type != "none" && type != "linear" && type != "yarn" && type != "longrope")
    return Error::unsupported(
        fmt::format("{} {} is not supported", fields.name("rope.scaling.type"), in_quotes(type)));
  const bool by_type = type == "linear" || type == "yarn";
  if (int{by_type} + int{two_sets} + int{one_set} + int{dynamic} > 1)
    return Error::unsupported(
        fmt::format("{} {} together with factors of each frequency is not supported",
                    fields.name("rope.scaling.type"), in_quotes(type)));
  if (type == "linear") return read_linear(fields);
  if (type == "yarn") return read_yarn(fields);
  if (two_sets || type == "longrope") return read_longrope(fields);
  if (dynamic) return read_dynamic(fields.metadata());
  return read_factors(fields);
}

// Only YaRN and LongRoPE multiply cosines and sines.
Status check_attention_factor(const GgufFields& fields, const RopeScaling& s) {
  if (s.kind == RopeScaling::Kind::yarn)
    return fields.allow_only("rope.scaling.yarn_ext_factor", 1);
  if (s.kind == RopeScaling::Kind::longrope) return {};
  return fields.allow_only("rope.scaling.attn_factor", 1);
}

}  // namespace

std::span<const std::string_view> gguf_rope_keys() { return kRopeKeys; }

Status read_gguf_rope(const GgufFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto rotated, fields.find_int("rope.dimension_count"));
  c.rotary_dim = rotated.value_or(c.head_dim) == c.head_dim ? 0 : *rotated;
  if (rotated && *rotated <= 0)
    return Error::bad_input(
        fmt::format("{} is {}, not positive", fields.name("rope.dimension_count"), *rotated));
  LATHE_TRY(const auto theta, fields.find_number("rope.freq_base"));
  c.rope.theta = theta.value_or(10000);
  LATHE_TRY(c.rope.scaling, read_scaling(fields));
  LATHE_CHECK(check_attention_factor(fields, c.rope.scaling));
  LATHE_TRY(const auto window_theta, fields.find_number("rope.freq_base_swa"));
  if (window_theta) {
    c.window_rope.emplace();
    c.window_rope->theta = *window_theta;
  }
  return {};
}

Status check_gguf_rope(const GgufFields& fields, const DecoderConfig& c) {
  if (c.rope.scaling.kind != RopeScaling::Kind::llama3) return {};
  const std::vector<float> expected = rope_divisors(c);
  const std::vector<float>& given = fields.facts().rope_factors;
  bool same = expected.size() == given.size();
  for (std::size_t i = 0; same && i < expected.size(); ++i)
    same = std::fabs(expected[i] - given[i]) <= 1e-5f * expected[i];
  if (same) return {};
  return Error::bad_input("rope_freqs.weight does not follow from lathe.rope.llama3.*")
      .fix_with("export the model again");
}

Status write_gguf_rope(const DecoderConfig& c, GgufKeys& keys) {
  const RopeScaling& s = c.rope.scaling;
  if (!s.truncate)
    return Error::unsupported("GGUF cannot say that YaRN's ramp ends between two dimensions")
        .fix_with("write a Hugging Face folder");
  if (c.window_rope && c.window_rope->scaling.kind != RopeScaling::Kind::none)
    return Error::unsupported(
               "GGUF cannot say how the angles of layers with a window are stretched")
        .fix_with("write a Hugging Face folder");
  keys.put_count("rope.dimension_count", rotary_dim_of(c));
  keys.put_number("rope.freq_base", c.rope.theta);
  if (c.window_rope) keys.put_number("rope.freq_base_swa", c.window_rope->theta);
  if (s.kind == RopeScaling::Kind::linear || s.kind == RopeScaling::Kind::yarn) {
    keys.put("rope.scaling.type",
             std::string(s.kind == RopeScaling::Kind::yarn ? "yarn" : "linear"));
    keys.put_number("rope.scaling.factor", s.factor);
  }
  if (s.kind == RopeScaling::Kind::yarn) {
    keys.put_number("rope.scaling.yarn_beta_fast", s.beta_fast);
    keys.put_number("rope.scaling.yarn_beta_slow", s.beta_slow);
    keys.put_number("rope.scaling.attn_factor",
                    s.attention_factor / usual_yarn_attention(s.factor));
  }
  if (s.kind == RopeScaling::Kind::longrope) {
    keys.put("rope.scaling.type", std::string("longrope"));
    keys.put_number("rope.scaling.attn_factor", s.attention_factor);
  }
  if (s.kind == RopeScaling::Kind::yarn || s.kind == RopeScaling::Kind::longrope)
    keys.put_count("rope.scaling.original_context_length", s.original_positions);
  if (s.kind == RopeScaling::Kind::dynamic) keys.metadata().set(kDynamicFactor, s.factor);
  if (s.kind == RopeScaling::Kind::llama3) {
    keys.metadata().set(kLlama3Factor, s.factor);
    keys.metadata().set(kLlama3Low, s.low_freq_factor);
    keys.metadata().set(kLlama3High, s.high_freq_factor);
    keys.metadata().set(kLlama3Positions, static_cast<std::uint32_t>(s.original_positions));
  }
  return {};
}

std::vector<RopeTensor> gguf_rope_tensors(const DecoderConfig& c) {
  const RopeScaling& s = c.rope.scaling;
  switch (s.kind) {
    case RopeScaling::Kind::llama3:
    case RopeScaling::Kind::factors:
      return {{kRopeFreqs, rope_divisors(c)}};
    case RopeScaling::Kind::longrope:
      return {{kLongFactors, s.long_factors}, {kShortFactors, s.factors}};
    default:
      return {};
  }
}

}  // namespace lathe::formats
