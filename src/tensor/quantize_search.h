// The scales of a group of values that lose least when the values become small integers: the search
// behind the K types of quantize.h.
//
// Large values count more, as llama.cpp lets them where it has no importance matrix: an error there
// changes a product more. Sums run in eight lanes in a fixed order, so that a group has the same
// bits on every machine.
#pragma once

#include <span>

namespace lathe::tensor {

using Values = std::span<const float>;  // of a group: 16 or 32

// x ~ scale * q - offset, with q from 0 to most; offset is not negative.
struct Affine {
  float scale = 0;
  float offset = 0;
};

// weights[i] = root mean square of x + |x[i]|. REQUIRES: as many weights as values.
void fill_weights(Values x, std::span<float> weights);

// The weighted squares of what is lost.
float error_of(Values x, Values weights, const Affine& a, float most);

// Tries ranges narrower and wider than the values', each refitted to the integers that it gives.
Affine best_affine(Values x, Values weights, float most);

// x ~ scale * q with q from -half to half - 1; the scale may be negative. Values count by their
// squares.
float best_scale(Values x, float half);
// The squares of what it loses.
float error_of_scale(Values x, float scale, float half);

// The integer nearest to x * by within the bounds, ties to even.
float nearest(float x, float least, float most);

// 1 / x, and 0 where that would be no number.
float inverse(float x);

}  // namespace lathe::tensor
