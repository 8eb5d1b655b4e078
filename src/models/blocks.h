// The two halves of a decoder's layer, as its config describes them: what reads the other
// positions, and what works on each by itself. The forward passes of families (decoder_forward.cc)
// put them together.
#pragma once

#include "models/pass.h"

namespace lathe::models {

// Attention over x, which is normalised already: [rows, hidden], with the output projection and
// what `residual` adds to it.
ops::Value attention_block(Pass& pass, const DecoderLayer& layer, std::size_t index,
                           const ops::Value& x, const ops::Value* residual);

// The MLP, or the mixture of experts where the layer has one, likewise.
ops::Value mlp_block(Pass& pass, const DecoderLayer& layer, const ops::Value& x,
                     const ops::Value* residual);

}  // namespace lathe::models
