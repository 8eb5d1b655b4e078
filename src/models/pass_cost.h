// What a pass costs at least, for forecasts and for shares of the machine's limits.
#pragma once

#include "formats/decoder_config.h"
#include "models/decoder_weights.h"

namespace lathe::models {

// For one token. Norms, attention over earlier tokens and the head of tokens that nobody asks the
// logits of are left out.
struct PassCost {
  double multiply_adds = 0;  // in the layers' matrices; of experts, the used ones
  double weight_bytes = 0;   // read for them, as they stand in memory
  double head_multiply_adds = 0;
  double head_bytes = 0;
  bool is_packed = false;     // most of the weights are
  bool is_quantised = false;  // most of them are packed integers
};

PassCost pass_cost(const formats::DecoderConfig& config, const DecoderWeights& weights);

}  // namespace lathe::models
