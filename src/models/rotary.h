// The cosines and sines of rotary position embeddings (times the attention factor of YaRN or
// LongRoPE) for every position of a context, computed once a model. Some models have two sets: one
// for layers with a window (Gemma 3), or one for long texts (LongRoPE). The second stands behind
// the first in one table.
#pragma once

#include <vector>

#include "formats/decoder_config.h"
#include "ops/ops.h"

namespace lathe::models {

class Rotary {
 public:
  // For positions [0, positions), with the config's theta and scaling.
  Rotary(const formats::DecoderConfig& config, std::size_t positions);

  ops::RotaryTable table() const { return {cosines_.data(), sines_.data(), sets_ * positions_}; }
  bool has_two_sets() const { return sets_ == 2; }
  // What is added to a position to find its row in the table, in a layer, for a text of `length`.
  std::size_t offset(const formats::DecoderConfig& config, std::size_t layer,
                     std::size_t length) const;

 private:
  void add_set(const formats::RopeConfig& rope, const std::vector<float>& divisors,
               std::int64_t rotary_dim);

  std::size_t positions_;
  std::size_t sets_ = 0;
  std::vector<float> cosines_, sines_;  // [sets, positions, rotary_dim / 2]
};

}  // namespace lathe::models
