// The cosines and sines of rotary position embeddings (times YaRN's attention factor) for every
// position of a context, computed once a model.
#pragma once

#include <vector>

#include "formats/decoder_config.h"
#include "ops/ops.h"

namespace lathe::models {

class Rotary {
 public:
  // For positions [0, positions), with the config's theta and scaling.
  Rotary(const formats::DecoderConfig& config, std::size_t positions);

  ops::RotaryTable table() const { return {cosines_.data(), sines_.data(), positions_}; }

 private:
  std::size_t positions_;
  std::vector<float> cosines_, sines_;  // [positions, head_dim / 2]
};

}  // namespace lathe::models
