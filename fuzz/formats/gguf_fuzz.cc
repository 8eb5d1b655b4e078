// Any bytes as a GGUF file: refused, or its tensors can be read and its metadata asked for a
// config, of a decoder and of an encoder.
#include "formats/gguf.h"

#include <cstdint>
#include <cstdlib>

#include "formats/decoder_config.h"
#include "formats/embedding_config.h"

using namespace lathe;
using namespace lathe::formats;

// A config that was accepted keeps its promises. What can be written can be read back too, beside
// the same tensors, unless its rotary blend is so narrow that f32's rounding of theta changes the
// factors beside it.
static void expect_writable(const DecoderConfig& config, const GgufTensorFacts& facts) {
  if (!check(config).ok()) std::abort();
  GgufMetadata metadata;
  if (!to_gguf(config, metadata).ok()) return;
  if (config.rope.scaling.kind == RopeScaling::Kind::llama3) return;
  if (!decoder_config_from_gguf(metadata, facts).ok()) std::abort();
}

static void ask_for_encoder(const GgufFile& file) {
  const auto types = file.tensor("token_types.weight");
  const bool table = types.ok() && types->shape.size() == 2;
  const auto config = encoder_config_from_gguf(file.metadata(), table ? types->shape[0] : 0);
  if (!config.ok()) return;
  if (!check(*config).ok() || max_tokens(*config) < 1) std::abort();
  (void)embedding_config_of_gguf(file.metadata(), *config);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = GgufFile::parse(bytes);
  if (!file.ok()) {
    (void)file.error().message();
    return 0;
  }
  GgufTensorFacts facts;
  for (const GgufTensorInfo& info : file->tensors()) {
    facts.names.insert(info.name);
    const auto view = file->tensor(info.name);
    if (!view.ok()) continue;
    auto values = tensor::to_f32(*view);
    if (values.ok() && info.name == "rope_freqs.weight") facts.rope_factors = *values;
  }
  const auto config = decoder_config_from_gguf(file->metadata(), facts);
  if (config.ok()) expect_writable(*config, facts);
  ask_for_encoder(*file);
  return 0;
}
