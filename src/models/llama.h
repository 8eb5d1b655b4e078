// The LLaMA family (Touvron et al. 2023; LLaMA 2 and 3, Mistral without a window): pre-norm decoder
// with RMSNorm, rotary positions, grouped-query attention and SwiGLU.
#pragma once

#include "models/decoder.h"

namespace lathe::models {

// See Decoder::forward.
ops::Value llama_forward(ops::Run& run, const Decoder& decoder, const Batch& batch);

}  // namespace lathe::models
