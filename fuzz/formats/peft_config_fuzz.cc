// Any text as adapter_config.json: refused, or a config that is written and read back as the same.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "formats/peft.h"

using namespace lathe::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config =
      peft_config_from_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!config.ok()) {
    (void)config.error().message();
    return 0;
  }
  const auto back = peft_config_from_json(to_json(*config));
  if (!back.ok() || *back != *config) std::abort();
  if (config->kind == PeftConfig::Kind::lora &&
      std::isnan(config->lora.scale_of("model.layers.0.self_attn.q_proj")))
    std::abort();
  return 0;
}
