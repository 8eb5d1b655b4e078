// Mistral (Jiang et al. 2023): LLaMA with a sliding window in the first version. GGUF files of it
// call themselves "llama"; llama.cpp's converter leaves the window out, ours name it. Source:
// transformers' MistralConfig.
#include <algorithm>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kMistralDefaultWindow = 4096;

void mistral_defaults(DecoderConfig& config) {
  config.vocab_size = 32000;
  config.hidden_size = 4096;
  config.intermediate_size = 14336;
  config.layers = 32;
  config.heads = 32;
  config.max_positions = 4096 * 32;
  config.kv_heads = 8;
  config.bos_id = 1;
  config.eos_ids = {2};
}

Status read_mistral_json(const JsonFields& fields, DecoderConfig& config) {
  return read_windows(fields, {.absent = kMistralDefaultWindow}, config);
}

void write_mistral_json(const DecoderConfig& config, nlohmann::json& out) {
  out["sliding_window"] =
      config.windows.empty() ? nlohmann::json() : nlohmann::json(config.windows.front());
}

bool is_mistral_gguf(const GgufFields& fields) {
  const auto window = fields.find_int("attention.sliding_window");
  const auto experts = fields.find_int("expert_count");
  return window.ok() && window->value_or(0) > 0 && experts.ok() && experts->value_or(0) == 0;
}

}  // namespace

const DecoderFamily kMistral = {.name = "mistral",
                                .architecture = "MistralForCausalLM",
                                .gguf = "llama",
                                .gguf_interleaves = true,
                                .gguf_window_period = 0,
                                .is_gguf = is_mistral_gguf,
                                .base_prefix = "model.",
                                .defaults = mistral_defaults,
                                .read_json = read_mistral_json,
                                .write_json = write_mistral_json};

}  // namespace lathe::formats
