// Rotary scaling from and to GGUF: keys, and the tensors rope_freqs.weight and
// rope_factors_{long,short}.weight. Internal to src/formats.
#pragma once

#include <string>
#include <vector>

#include "formats/gguf_fields.h"

namespace lathe::formats {

inline constexpr const char* kRopeFreqs = "rope_freqs.weight";
inline constexpr const char* kLongFactors = "rope_factors_long.weight";
inline constexpr const char* kShortFactors = "rope_factors_short.weight";

// Keys of an architecture's namespace that are read here.
std::span<const std::string_view> gguf_rope_keys();

// REQUIRES: the sizes of `config` are read. Sets rotary_dim, rope and, where the file gives another
// base to layers with a window, window_rope.
Status read_gguf_rope(const GgufFields& fields, DecoderConfig& config);
// Parameters of llama3 scaling must give the factors that stand beside them. REQUIRES:
// check(config) passed.
Status check_gguf_rope(const GgufFields& fields, const DecoderConfig& config);

// unsupported: YaRN without truncation; scaling of the layers with a window alone.
Status write_gguf_rope(const DecoderConfig& config, GgufKeys& keys);

// The tensors that go with it: [rotary_dim / 2] each.
struct RopeTensor {
  std::string name;
  std::vector<float> values;
};
std::vector<RopeTensor> gguf_rope_tensors(const DecoderConfig& config);

}  // namespace lathe::formats
