// Qwen2 and Qwen2.5 (Yang et al. 2024): LLaMA with biases on queries, keys and values, and a window
// in the upper layers when the config switches it on. Source: transformers' Qwen2Config.
#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kDefaultFirstWindowLayer = 28;

void defaults(DecoderConfig& config) {
  config.max_positions = 32768;
  config.kv_heads = 32;
}

Status read_json(const JsonFields& fields, DecoderConfig& config) {
  config.qkv_bias = true;
  LATHE_TRY(const auto slides, fields.find_bool("use_sliding_window"));
  if (!slides.value_or(false)) return {};
  LATHE_TRY(const auto first, fields.find_int("max_window_layers"));
  LATHE_CHECK(read_windows(fields, first.value_or(kDefaultFirstWindowLayer), config));
  if (!fields.mentions("sliding_window"))
    return Error::unsupported("use_sliding_window is true and sliding_window is missing")
        .fix_with("write the window into config.json (transformers takes 4096)");
  return {};
}

void write_json(const DecoderConfig& config, nlohmann::json& out) {
  out["use_sliding_window"] = !config.windows.empty();
  write_windows(config, out);
}

}  // namespace

const DecoderFamily kQwen2 = {.name = "qwen2",
                              .architecture = "Qwen2ForCausalLM",
                              .gguf = "qwen2",
                              .gguf_interleaves = false,
                              .defaults = defaults,
                              .read_json = read_json,
                              .write_json = write_json};

}  // namespace lathe::formats
