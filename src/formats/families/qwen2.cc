// Qwen2 and Qwen2.5 (Yang et al. 2024): LLaMA with biases on queries, keys and values, and a window
// in the upper layers when the config switches it on. Source: transformers' Qwen2Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kDefaultFirstWindowLayer = 28;
constexpr std::int64_t kQwen2DefaultWindow = 4096;

void qwen2_defaults(DecoderConfig& config) {
  config.vocab_size = 151936;
  config.hidden_size = 4096;
  config.intermediate_size = 22016;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 32768;
  config.kv_heads = 32;
}

Status read_qwen2_json(const JsonFields& fields, DecoderConfig& config) {
  config.qkv_bias = true;
  return read_switched_windows(fields, config);
}

}  // namespace

Status read_switched_windows(const JsonFields& fields, DecoderConfig& config) {
  LATHE_TRY(const auto slides, fields.find_bool("use_sliding_window"));
  if (!slides.value_or(false)) return allow_no_windows(fields);
  LATHE_TRY(const auto first, fields.find_int("max_window_layers"));
  return read_windows(fields,
                      {.absent = kQwen2DefaultWindow,
                       .reads_layer_types = true,
                       .first = first.value_or(kDefaultFirstWindowLayer)},
                      config);
}

namespace {

void write_qwen2_json(const DecoderConfig& config, nlohmann::json& out) {
  out["use_sliding_window"] = !config.windows.empty();
  write_windows(config, out);
}

}  // namespace

const DecoderFamily kQwen2 = {.name = "qwen2",
                              .architecture = "Qwen2ForCausalLM",
                              .gguf = "qwen2",
                              .gguf_interleaves = false,
                              .base_prefix = "model.",
                              .defaults = qwen2_defaults,
                              .read_json = read_qwen2_json,
                              .write_json = write_qwen2_json};

}  // namespace lathe::formats
