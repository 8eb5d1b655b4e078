#include "models/rotary.h"

#include <cmath>

namespace lathe::models {

Rotary::Rotary(const formats::DecoderConfig& config, std::size_t positions)
    : positions_(positions) {
  const std::vector<float> divisors = formats::rope_divisors(config);
  const std::size_t half = divisors.size();
  cosines_.reserve(positions * half);
  sines_.reserve(positions * half);
  const double sharper = config.rope.scaling.attention_factor;
  std::vector<double> frequencies;
  for (std::size_t i = 0; i < half; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim);
    frequencies.push_back(std::pow(config.rope.theta, exponent) / divisors[i]);
  }
  for (std::size_t p = 0; p < positions; ++p) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(p) * frequency;
      cosines_.push_back(static_cast<float>(sharper * std::cos(angle)));
      sines_.push_back(static_cast<float>(sharper * std::sin(angle)));
    }
  }
}

}  // namespace lathe::models
