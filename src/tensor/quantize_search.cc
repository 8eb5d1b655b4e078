#include "tensor/quantize_search.h"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstddef>

#include "base/result.h"

namespace lathe::tensor {
namespace {

constexpr std::size_t kLanes = 8;

// Sums of a loop over a group, a lane each so that the compiler may use vectors.
struct Lanes {
  std::array<float, kLanes> at{};

  float sum() const {
    return ((at[0] + at[4]) + (at[2] + at[6])) + ((at[1] + at[5]) + (at[3] + at[7]));
  }
};

// The scale and offset that suit best the integers that `a` rounds x to: weighted least squares.
Affine refit(Values x, Values weights, const Affine& a, float most) {
  const float by = inverse(a.scale);
  Lanes w, wq, wqq, wx, wqx;  // weighted sums: of 1, q, q^2, x, q x
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float q = nearest((x[i + l] + a.offset) * by, 0, most);
      const float weighted = weights[i + l] * q;
      w.at[l] += weights[i + l];
      wq.at[l] += weighted;
      wqq.at[l] += weighted * q;
      wx.at[l] += weights[i + l] * x[i + l];
      wqx.at[l] += weighted * x[i + l];
    }
  }
  const double n = w.sum(), q = wq.sum(), qq = wqq.sum(), sum = wx.sum(), qx = wqx.sum();
  const double determinant = n * qq - q * q;
  if (!(determinant > 0)) return a;
  Affine fit{static_cast<float>((n * qx - q * sum) / determinant),
             static_cast<float>((q * qx - qq * sum) / determinant)};
  if (fit.offset < 0) fit = {wqx.sum() * inverse(wqq.sum()), 0};  // then a line through zero
  return fit.scale > 0 ? fit : a;
}

}  // namespace

float nearest(float x, float least, float most) {
  constexpr float kShift = 0x1.8p23f;  // beside it floats are whole numbers
  return (std::min(std::max(x, least), most) + kShift) - kShift;
}

float inverse(float x) { return std::fabs(x) >= FLT_MIN ? 1.0f / x : 0.0f; }

void fill_weights(Values x, std::span<float> weights) {
  LATHE_ASSERT(x.size() % kLanes == 0 && weights.size() == x.size());
  Lanes squares;
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) squares.at[l] += x[i + l] * x[i + l];
  }
  const float usual = std::sqrt(squares.sum() / static_cast<float>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) weights[i] = usual + std::fabs(x[i]);
}

float error_of(Values x, Values weights, const Affine& a, float most) {
  const float by = inverse(a.scale);
  Lanes sum;
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float q = nearest((x[i + l] + a.offset) * by, 0, most);
      const float miss = a.scale * q - a.offset - x[i + l];
      sum.at[l] += weights[i + l] * miss * miss;
    }
  }
  return sum.sum();
}

Affine best_affine(Values x, Values weights, float most) {
  const float low = std::min(0.0f, *std::min_element(x.begin(), x.end()));
  const float high = std::max(0.0f, *std::max_element(x.begin(), x.end()));
  if (high == low) return {};
  Affine best{(high - low) / most, -low};
  float least = error_of(x, weights, best, most);
  for (int step = -10; step <= 10; ++step) {
    Affine tried{(high - low) / (most + 0.1f * static_cast<float>(step)), -low};
    for (int pass = 0; pass < 2; ++pass) tried = refit(x, weights, tried, most);
    const float error = error_of(x, weights, tried, most);
    if (error < least) {
      least = error;
      best = tried;
    }
  }
  return best;
}

float error_of_scale(Values x, float scale, float half) {
  const float by = inverse(scale);
  Lanes sum;
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float miss = scale * nearest(x[i + l] * by, -half, half - 1) - x[i + l];
      sum.at[l] += miss * miss;
    }
  }
  return sum.sum();
}

float best_scale(Values x, float half) {
  float largest = 0;
  for (const float v : x) {
    if (std::fabs(v) > std::fabs(largest)) largest = v;
  }
  const float per_level = inverse(largest);
  float best = 0, most = -1;  // of the explained weighted squares
  for (int step = -9; step <= 9; ++step) {
    const float by = -(half + 0.1f * static_cast<float>(step)) * per_level;
    Lanes qx, qq;
    for (std::size_t i = 0; i < x.size(); i += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const float q = nearest(x[i + l] * by, -half, half - 1);
        // By the largest value, so that no square leaves the range of floats.
        const float share = x[i + l] * per_level;
        qx.at[l] += share * share * q * share;
        qq.at[l] += share * share * q * q;
      }
    }
    const float explained = qx.sum() * qx.sum() * inverse(qq.sum());
    if (explained > most) {
      most = explained;
      best = largest * qx.sum() * inverse(qq.sum());
    }
  }
  return best;
}

}  // namespace lathe::tensor
