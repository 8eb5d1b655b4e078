// The forward passes of the decoder families: how attention and MLP of a layer stand to each other.
// See Decoder::forward.
#pragma once

#include "models/decoder.h"

namespace lathe::models {

// One after the other, each reading a norm of what stands there: LLaMA, Mistral, Qwen, Phi-3,
// Mixtral, GPT-2. Source: Touvron et al. 2023, Radford et al. 2019.
ops::Value sequential_forward(ops::Run& run, const Decoder& decoder, const Batch& batch);

// Both beside each other on the layer's input, where the config says so, else one after the other:
// Falcon, GPT-NeoX. Source: Wang & Komatsuzaki 2021 (GPT-J).
ops::Value parallel_forward(ops::Run& run, const Decoder& decoder, const Batch& batch);

// One after the other, with a norm before and one behind each: Gemma 2 and 3. Source: Gemma Team
// 2024.
ops::Value sandwich_forward(ops::Run& run, const Decoder& decoder, const Batch& batch);

}  // namespace lathe::models
