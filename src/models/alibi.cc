#include "models/alibi.h"

#include <bit>
#include <cmath>

#include "base/half.h"

namespace lathe::models {
namespace {

float in_bf16(float x) { return bf16_to_f32(f32_to_bf16(x)); }

// Slopes 2^(-8 i / n) for n heads, n a power of two; the heads past the greatest power of two take
// every second slope of twice as many.
std::vector<float> slopes(std::size_t heads) {
  const std::size_t whole = std::bit_floor(heads);
  std::vector<float> all;
  const auto add = [&](std::size_t of, std::size_t step, std::size_t count) {
    const double base = std::exp2(-8.0 / static_cast<double>(of));
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(static_cast<float>(std::pow(base, static_cast<double>(1 + i * step))));
  };
  add(whole, 1, whole);
  if (heads > whole) add(2 * whole, 2, heads - whole);
  return all;
}

}  // namespace

std::vector<float> alibi_biases(std::size_t heads, std::size_t positions) {
  std::vector<float> biases;
  biases.reserve(heads * positions);
  for (const float slope : slopes(heads)) {
    for (std::size_t p = 0; p < positions; ++p)
      biases.push_back(in_bf16(in_bf16(slope) * in_bf16(static_cast<float>(p))));
  }
  return biases;
}

}  // namespace lathe::models
