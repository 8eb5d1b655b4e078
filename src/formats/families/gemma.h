// What the Gemma families share. Internal to src/formats.
#pragma once

#include <fmt/format.h>

#include "formats/families/family.h"

namespace lathe::formats {

extern const PartName kGemmaNames[4];

void gemma_defaults(DecoderConfig& config);

// Biases, scales and windows: all but every `pattern`th layer have one where layer_types is absent.
Status read_gemma(const JsonFields& fields, std::int64_t pattern, DecoderConfig& config);

// The caps, or these when the fields are absent; null means none.
Status read_softcaps(const JsonFields& fields, double attention, double logits,
                     DecoderConfig& config);

// GGUF: the caps, or these where the file has none, and the queries' scale where it is another than
// gemma_gguf_scale().
extern const std::string_view kGemmaGgufKeys[3];
Status read_gemma_gguf(const GgufFields& fields, double attention, double logits,
                       DecoderConfig& config);
// What llama.cpp takes from the sizes: 1 / sqrt(head_dim), or of hidden_size / heads in the largest
// models, which it knows by their layers.
double gemma_gguf_scale(const DecoderConfig& config);
void write_gemma_gguf(const DecoderConfig& config, GgufKeys& keys);

void write_gemma(const DecoderConfig& config, nlohmann::json& out);

}  // namespace lathe::formats
