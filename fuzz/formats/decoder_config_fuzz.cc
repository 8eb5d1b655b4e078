// Any text as config.json (and, after a zero byte, as generation_config.json): refused, or a config
// that is written and read back as the same one.
#include "formats/decoder_config.h"

#include <cstdint>
#include <cstdlib>

#include "formats/decoder_tensors.h"

using namespace lathe::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(text.find('\0'), size);
  const auto generation = zero < size ? text.substr(zero + 1) : std::string_view();
  const auto config = decoder_config_from_json(text.substr(0, zero), generation);
  if (!config.ok()) {
    (void)config.error().message();
    return 0;
  }
  const auto written = to_config_json(*config, "float32");
  if (!written.ok()) std::abort();
  const auto back = decoder_config_from_json(*written);
  if (!back.ok() || *back != *config) std::abort();
  if (config->layers < 100) (void)expected_tensors(*config);
  (void)rope_divisors(*config);
  return 0;
}
