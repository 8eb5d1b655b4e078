// From the states of a text's tokens to its one vector.
#pragma once

#include <vector>

#include "formats/embedding_config.h"
#include "ops/ops.h"

namespace lathe::models {

// states: [rows, width]; text: some of its rows, at least one. -> [width]. Sums run over the text's
// rows in order, in f64, so that a text's vector does not depend on the batch.
std::vector<float> pool(formats::Pooling pooling, const ops::Value& states,
                        const ops::SequenceRows& text);

// Divides by the Euclidean length, or by 1e-12 where that is greater (torch's normalize).
void normalise(std::vector<float>& vector);

}  // namespace lathe::models
