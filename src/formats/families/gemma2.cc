// Gemma 2 (Gemma Team 2024): norms whose weights are written as differences from 1, a norm behind
// attention and MLP too, soft caps on scores and logits, embeddings scaled by sqrt(hidden), a
// window in every second layer. Source: transformers' Gemma2Config.
#include <cmath>
#include <limits>

#include "formats/families/gemma.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kGemma2DefaultWindow = 4096;

}  // namespace

const PartName kGemmaNames[4] = {
    {Part::post_attention_norm, "post_attention_layernorm"},
    {Part::mlp_norm, "pre_feedforward_layernorm"},
    {Part::post_mlp_norm, "post_feedforward_layernorm"},
    {Part::head, "lm_head"},
};

void gemma_defaults(DecoderConfig& config) {
  config.head_dim = 256;
  config.kv_heads = 4;
  config.activation = Activation::gelu_tanh;
  config.norm_offset = 1;
  config.post_norms = true;
  config.tied_embeddings = true;
  config.bos_id = 2;
  config.eos_ids = {1};
  config.pad_id = 0;
}

Status read_gemma(const JsonFields& fields, std::int64_t pattern, DecoderConfig& config) {
  LATHE_CHECK(allow_only(fields, "use_bidirectional_attention", false));
  LATHE_TRY(const auto bias, fields.find_bool("attention_bias"));
  config.qkv_bias = config.output_bias = bias.value_or(false);
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  LATHE_TRY(const auto scalar, fields.find_number("query_pre_attn_scalar"));
  const double divisor = scalar.value_or(256);
  if (!(divisor > 0))
    return Error::bad_input(fmt::format("query_pre_attn_scalar is {}, not positive", divisor));
  config.query_scale = 1 / std::sqrt(divisor);
  LATHE_CHECK(read_windows(
      fields, {.absent = kGemma2DefaultWindow, .reads_layer_types = true, .every = pattern},
      config));
  if (config.windows.empty() && fields.find("layer_types") == nullptr && pattern != 1)
    return Error::bad_input("sliding_window is null");
  return {};
}

// The number whose inverse root is the scale: a whole one where it gives the same bits, else the
// nearest that does.
double scalar_of(double scale) {
  constexpr int kRoundings =
      4;  // what two roundings of the square and one of the root can add up to
  const double square = 1 / (scale * scale);
  const auto fits = [scale](double scalar) { return 1 / std::sqrt(scalar) == scale; };
  if (fits(std::round(square))) return std::round(square);
  double below = square, above = square;
  for (int i = 0; i <= kRoundings; ++i) {
    if (fits(below)) return below;
    if (fits(above)) return above;
    below = std::nextafter(below, 0.0);
    above = std::nextafter(above, std::numeric_limits<double>::infinity());
  }
  return square;
}

void write_gemma(const DecoderConfig& config, nlohmann::json& out) {
  write_windows(config, out);
  out["hidden_act"] = name_of(config.activation);
  out["attention_bias"] = config.qkv_bias;
  out["query_pre_attn_scalar"] = scalar_of(config.query_scale);
  const auto cap = [](double value) {
    return value > 0 ? nlohmann::json(value) : nlohmann::json();
  };
  out["attn_logit_softcapping"] = cap(config.attention_softcap);
  out["final_logit_softcapping"] = cap(config.logit_softcap);
}

Status read_softcaps(const JsonFields& fields, double attention, double logits,
                     DecoderConfig& config) {
  LATHE_TRY(const auto scores, fields.find_number("attn_logit_softcapping"));
  LATHE_TRY(const auto last, fields.find_number("final_logit_softcapping"));
  config.attention_softcap =
      fields.mentions("attn_logit_softcapping") ? scores.value_or(0) : attention;
  config.logit_softcap = fields.mentions("final_logit_softcapping") ? last.value_or(0) : logits;
  return {};
}

constexpr std::string_view kGemmaGgufKeys[3] = {"attn_logit_softcapping", "final_logit_softcapping",
                                                "attention.scale"};

double gemma_gguf_scale(const DecoderConfig& c) {
  const bool largest = c.layers == 46 || c.layers == 62;
  const std::int64_t size = largest ? c.hidden_size / c.heads : c.head_dim;
  return 1 / std::sqrt(static_cast<double>(size));
}

Status read_gemma_gguf(const GgufFields& fields, double attention, double logits,
                       DecoderConfig& c) {
  if (c.heads <= 0 || c.head_dim <= 0) return {};  // check() refuses it
  LATHE_TRY(const auto scores, fields.find_number("attn_logit_softcapping"));
  LATHE_TRY(const auto last, fields.find_number("final_logit_softcapping"));
  LATHE_TRY(const auto scale, fields.find_number("attention.scale"));
  c.attention_softcap = scores.value_or(attention);
  c.logit_softcap = last.value_or(logits);
  c.query_scale = scale.value_or(gemma_gguf_scale(c));
  c.embedding_scale = std::sqrt(static_cast<double>(c.hidden_size));
  return {};
}

void write_gemma_gguf(const DecoderConfig& c, GgufKeys& keys) {
  const bool capped = !c.qk_norm;  // Gemma 2: absent keys mean the usual caps, not none
  if (capped || c.attention_softcap > 0)
    keys.put_number("attn_logit_softcapping", c.attention_softcap);
  if (capped || c.logit_softcap > 0) keys.put_number("final_logit_softcapping", c.logit_softcap);
  if (static_cast<float>(c.query_scale) != static_cast<float>(gemma_gguf_scale(c)))
    keys.put_number("attention.scale", c.query_scale);
}

namespace {

constexpr double kScoreCap = 50;
constexpr double kLogitCap = 30;

void gemma2_defaults(DecoderConfig& config) {
  config.vocab_size = 256000;
  config.hidden_size = 2304;
  config.intermediate_size = 9216;
  config.layers = 26;
  config.heads = 8;
  gemma_defaults(config);
  config.max_positions = 8192;
}

Status read_gemma2_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_CHECK(read_softcaps(fields, kScoreCap, kLogitCap, config));
  return read_gemma(fields, 2, config);
}

// The first files of it had no keys for the caps; llama.cpp takes these too.
Status read_gemma2_gguf(const GgufFields& fields, DecoderConfig& config) {
  return read_gemma_gguf(fields, kScoreCap, kLogitCap, config);
}

}  // namespace

const DecoderFamily kGemma2 = {.name = "gemma2",
                               .architecture = "Gemma2ForCausalLM",
                               .gguf = "gemma2",
                               .gguf_window_period = 2,
                               .gguf_default_window = 4096,
                               .gguf_keys = kGemmaGgufKeys,
                               .read_gguf = read_gemma2_gguf,
                               .write_gguf = write_gemma_gguf,
                               .keys = {.activation = "hidden_activation"},
                               .names = kGemmaNames,
                               .base_prefix = "model.",
                               .defaults = gemma2_defaults,
                               .read_json = read_gemma2_json,
                               .write_json = write_gemma};

}  // namespace lathe::formats
