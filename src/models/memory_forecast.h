// What a model will take in memory before it is loaded: what Decoder::load() keeps, and the cache
// of one text as long as the context. Beside it come the activations of a pass (a few megabytes)
// and the program itself.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "formats/encoder_source.h"
#include "formats/model_source.h"
#include "models/kv_cache.h"

namespace lathe::models {

struct MemoryForecast {
  std::uint64_t weights = 0;          // bytes, packed for this processor's kernels
  std::uint64_t cache_per_token = 0;  // keys and values of all layers
  std::uint64_t cache = 0;            // of `context` tokens
  std::int64_t context = 0;

  std::uint64_t total() const { return weights + cache; }
};

// context: 0 for the model's own. kv_type: how keys and values are kept. Errors: those of reading a
// tensor.
Result<MemoryForecast> memory_forecast(const formats::ModelSource& source, std::int64_t context = 0,
                                       kernels::KvType kv_type = kernels::KvType::f16);
// An encoder has no cache.
Result<MemoryForecast> memory_forecast(const formats::EncoderSource& source);

}  // namespace lathe::models
