// Gemma 3, text only (Gemma Team 2025): Gemma 2 with queries and keys normalised head by head in
// place of the soft caps, five of six layers with a window, and rotary angles of their own for
// these. Source: transformers' Gemma3TextConfig.
#include "formats/families/gemma.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kDefaultPattern = 6;

void gemma3_defaults(DecoderConfig& config) {
  config.vocab_size = 262208;
  config.hidden_size = 2304;
  config.intermediate_size = 9216;
  config.layers = 26;
  config.heads = 8;
  gemma_defaults(config);
  config.max_positions = 131072;
  config.qk_norm = true;
  config.rope.theta = 1e6;
}

// One of the two objects in rope_parameters, over what `rope` holds already.
Status read_rope_of_type(const JsonFields& fields, const char* type, RopeConfig& rope,
                         const DecoderConfig& config) {
  const nlohmann::json* parameters = fields.find("rope_parameters");
  const std::string place = fmt::format("rope_parameters.{}", type);
  if (parameters != nullptr && parameters->contains(type) && !(*parameters)[type].is_null()) {
    const nlohmann::json& object = (*parameters)[type];
    if (!object.is_object()) return Error::bad_input(place + " is no object");
    const double theta = rope.theta;
    LATHE_TRY(rope, read_rope_object(object, place + ".", config));
    if (!object.contains("rope_theta")) rope.theta = theta;
  }
  const RopeScaling::Kind kind = rope.scaling.kind;
  if (kind == RopeScaling::Kind::longrope || kind == RopeScaling::Kind::dynamic)
    return Error::unsupported(place + ": longrope and dynamic are not supported here");
  return {};
}

// rope_parameters by layer type (transformers 5), or rope_local_base_freq beside rope_theta.
Status read_ropes(const JsonFields& fields, DecoderConfig& config) {
  RopeConfig window;
  LATHE_TRY(const auto local, fields.find_number("rope_local_base_freq"));
  window.theta = local.value_or(10000);
  const nlohmann::json* parameters = fields.find("rope_parameters");
  if (parameters != nullptr && !parameters->empty() && !is_by_layer_type(parameters))
    return Error::unsupported("rope_parameters has no full_attention and no sliding_attention");
  LATHE_CHECK(read_rope_of_type(fields, "full_attention", config.rope, config));
  LATHE_CHECK(read_rope_of_type(fields, "sliding_attention", window, config));
  config.window_rope = window;
  return {};
}

Status read_gemma3_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_CHECK(read_softcaps(fields, 0, 0, config));
  config.attention_softcap = 0;  // the class has the field, and its attention does not use it
  LATHE_TRY(const auto pattern, fields.find_int("sliding_window_pattern"));
  const std::int64_t every = pattern.value_or(kDefaultPattern);
  if (every < 1)
    return Error::bad_input(fmt::format("sliding_window_pattern is {}, below 1", every));
  LATHE_CHECK(read_gemma(fields, every, config));
  return read_ropes(fields, config);
}

void write_gemma3_json(const DecoderConfig& config, nlohmann::json& out) {
  write_gemma(config, out);
  if (!config.window_rope) return;
  out["rope_parameters"] = {{"full_attention", rope_to_json(config.rope)},
                            {"sliding_attention", rope_to_json(*config.window_rope)}};
  out["rope_local_base_freq"] = config.window_rope->theta;
}

// Layers with a window have angles of their own, whether the file says their base or not.
Status read_gemma3_gguf(const GgufFields& fields, DecoderConfig& config) {
  if (!config.window_rope) config.window_rope.emplace();
  return read_gemma_gguf(fields, 0, 0, config);
}

}  // namespace

const DecoderFamily kGemma3 = {.name = "gemma3_text",
                               .architecture = "Gemma3ForCausalLM",
                               .gguf = "gemma3",
                               .gguf_window_period = 6,
                               .gguf_keys = kGemmaGgufKeys,
                               .read_gguf = read_gemma3_gguf,
                               .write_gguf = write_gemma_gguf,
                               .keys = {.activation = "hidden_activation"},
                               .names = kGemmaNames,
                               .base_prefix = "model.",
                               .ropes_by_layer = true,
                               .defaults = gemma3_defaults,
                               .read_json = read_gemma3_json,
                               .write_json = write_gemma3_json};

}  // namespace lathe::formats
