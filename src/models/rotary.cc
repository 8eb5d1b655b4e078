#include "models/rotary.h"

#include <cmath>

namespace lathe::models {

Rotary::Rotary(const formats::DecoderConfig& config, std::size_t positions)
    : positions_(positions) {
  if (config.positions != formats::PositionKind::rotary) return;
  const std::int64_t dim = formats::rotary_dim_of(config);
  add_set(config.rope, formats::rope_divisors(config.rope, dim), dim);
  if (config.window_rope) {
    add_set(*config.window_rope, formats::rope_divisors(*config.window_rope, dim), dim);
  } else if (config.rope.scaling.kind == formats::RopeScaling::Kind::longrope) {
    add_set(config.rope, config.rope.scaling.long_factors, dim);
  }
}

void Rotary::add_set(const formats::RopeConfig& rope, const std::vector<float>& divisors,
                     std::int64_t rotary_dim) {
  ++sets_;
  cosines_.reserve(sets_ * positions_ * divisors.size());
  sines_.reserve(sets_ * positions_ * divisors.size());
  std::vector<double> frequencies;
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim);
    frequencies.push_back(std::pow(rope.theta, exponent) / divisors[i]);
  }
  const double sharper = rope.scaling.attention_factor;
  for (std::size_t p = 0; p < positions_; ++p) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(p) * frequency;
      cosines_.push_back(static_cast<float>(sharper * std::cos(angle)));
      sines_.push_back(static_cast<float>(sharper * std::sin(angle)));
    }
  }
}

std::size_t Rotary::offset(const formats::DecoderConfig& config, std::size_t layer,
                           std::size_t length) const {
  if (!has_two_sets()) return 0;
  const bool second =
      config.window_rope
          ? formats::window_of(config, layer) > 0
          : length > static_cast<std::size_t>(config.rope.scaling.original_positions);
  return second ? positions_ : 0;
}

}  // namespace lathe::models
