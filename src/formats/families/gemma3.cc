// Gemma 3, text only (Gemma Team 2025): Gemma 2 with queries and keys normalised head by head in
// place of the soft caps, five of six layers with a window, and rotary angles of their own for
// these. Source: transformers' Gemma3TextConfig.
#include "formats/families/gemma.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kDefaultPattern = 6;

void defaults(DecoderConfig& config) {
  gemma_defaults(config);
  config.max_positions = 131072;
  config.qk_norm = true;
  config.rope.theta = 1e6;
}

// rope_parameters by layer type (transformers 5), or rope_local_base_freq beside rope_theta.
Status read_ropes(const JsonFields& fields, DecoderConfig& config) {
  RopeConfig window;
  LATHE_TRY(const auto local, fields.find_number("rope_local_base_freq"));
  window.theta = local.value_or(10000);
  const nlohmann::json* parameters = fields.find("rope_parameters");
  if (parameters != nullptr && parameters->contains("full_attention")) {
    const auto read = [&](const char* type, RopeConfig& rope) -> Status {
      const auto found = parameters->find(type);
      if (found == parameters->end()) return {};
      const std::string place = fmt::format("rope_parameters.{}", type);
      if (!found->is_object()) return Error::bad_input(place + " is no object");
      LATHE_TRY(rope, read_rope_object(*found, place + ".", config));
      return {};
    };
    LATHE_CHECK(read("full_attention", config.rope));
    LATHE_CHECK(read("sliding_attention", window));
  }
  config.window_rope = window;
  return {};
}

Status read_json(const JsonFields& fields, DecoderConfig& config) {
  LATHE_CHECK(read_softcaps(fields, 0, 0, config));
  LATHE_TRY(const auto old_pattern, fields.find_int("sliding_window_pattern"));
  LATHE_TRY(const auto pattern, fields.find_int("_sliding_window_pattern"));
  const std::int64_t every = old_pattern ? *old_pattern : pattern.value_or(kDefaultPattern);
  if (every < 1)
    return Error::bad_input(fmt::format("sliding_window_pattern is {}, below 1", every));
  LATHE_CHECK(read_gemma(fields, every, config));
  return read_ropes(fields, config);
}

void write_json(const DecoderConfig& config, nlohmann::json& out) {
  write_gemma(config, out);
  if (!config.window_rope) return;
  out["rope_parameters"] = {{"full_attention", rope_to_json(config.rope)},
                            {"sliding_attention", rope_to_json(*config.window_rope)}};
  out["rope_local_base_freq"] = config.window_rope->theta;
}

// Layers with a window have angles of their own, whether the file says their base or not.
Status read_gguf(const GgufFields& fields, DecoderConfig& config) {
  if (!config.window_rope) config.window_rope.emplace();
  return read_gemma_gguf(fields, 0, 0, config);
}

}  // namespace

const DecoderFamily kGemma3 = {.name = "gemma3_text",
                               .architecture = "Gemma3ForCausalLM",
                               .gguf = "gemma3",
                               .gguf_window_period = 6,
                               .gguf_keys = kGemmaGgufKeys,
                               .read_gguf = read_gguf,
                               .write_gguf = write_gemma_gguf,
                               .keys = {.activation = "hidden_activation"},
                               .names = kGemmaNames,
                               .defaults = defaults,
                               .read_json = read_json,
                               .write_json = write_json};

}  // namespace lathe::formats
