// Kernels over the values of one row: norms, activations, softmax, loss, rotation, optimizer. Sums
// run over lanes in a fixed order and are finished in the same way for each length, so a row's
// result depends on nothing else.
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

float inverse_rms(const float* x, float epsilon, std::size_t n) {
  return 1.0f / std::sqrt(dot(x, x, n) / static_cast<float>(n) + epsilon);
}

void rms_norm(const float* x, const float* weight, float epsilon, std::size_t n, float* y) {
  const D d;
  const V inverse = hn::Set(d, inverse_rms(x, epsilon, n));
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    store(hn::Mul(hn::Mul(load(x + i, c), inverse), load(weight + i, c)), y + i, c);
  });
}

void rms_norm_backward(const float* x, const float* weight, float epsilon, const float* dy,
                       std::size_t n, float* dx, float* dweight) {
  const D d;
  const float inverse = inverse_rms(x, epsilon, n);
  V products = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    products = hn::MulAdd(hn::Mul(load(dy + i, c), load(weight + i, c)), load(x + i, c), products);
  });
  const V mean = hn::Set(d, sum_lanes(products) * inverse / static_cast<float>(n));
  const V scale = hn::Set(d, inverse);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V normalised = hn::Mul(load(x + i, c), scale);
    const V g = load(dy + i, c);
    const V inner = hn::NegMulAdd(normalised, mean, hn::Mul(g, load(weight + i, c)));
    store(hn::MulAdd(scale, inner, load(dx + i, c)), dx + i, c);
    if (dweight != nullptr) store(hn::MulAdd(g, normalised, load(dweight + i, c)), dweight + i, c);
  });
}

void softmax_backward(const float* p, float scale, std::size_t n, float* dp) {
  const D d;
  const V mean = hn::Set(d, dot(p, dp, n));
  const V s = hn::Set(d, scale);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    store(hn::Mul(hn::Mul(s, load(p + i, c)), hn::Sub(load(dp + i, c), mean)), dp + i, c);
  });
}

float cross_entropy(const float* logits, std::size_t n, std::size_t target, float weight,
                    float* dlogits) {
  const float shift = largest(logits, n);
  const float shifted_target = logits[target] - shift;
  if (dlogits != nullptr) {
    const float sum = exponentials(logits, 1.0f, shift, n, dlogits);
    multiply_by(dlogits, weight / sum, n);
    dlogits[target] -= weight;
    return std::log(sum) - shifted_target;
  }
  return std::log(exponentials(logits, 1.0f, shift, n, nullptr)) - shifted_target;
}

void rotate(float* x, const float* cosines, const float* sines, float sign, std::size_t n) {
  const D d;
  const std::size_t half = n / 2;
  const V s = hn::Set(d, sign);
  for_each_vector(half, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V a = load(x + i, c);
    const V b = load(x + half + i, c);
    const V cosine = load(cosines + i, c);
    const V sine = hn::Mul(s, load(sines + i, c));
    store(hn::NegMulAdd(b, sine, hn::Mul(a, cosine)), x + i, c);
    store(hn::MulAdd(a, sine, hn::Mul(b, cosine)), x + half + i, c);
  });
}

double sum_of_squares(const float* x, std::size_t n) {
  double sum = 0;
  constexpr std::size_t kStretch = 4096;  // f32 inside a stretch, f64 across
  for (std::size_t i = 0; i < n; i += kStretch) {
    sum += static_cast<double>(dot(x + i, x + i, HWY_MIN(kStretch, n - i)));
  }
  return sum;
}

void adamw(const AdamWStep& step, const float* gradient, std::size_t n, float* parameter, float* m,
           float* v) {
  const D d;
  const V scale = hn::Set(d, step.gradient_scale);
  const V keep = hn::Set(d, 1.0f - step.learning_rate * step.weight_decay);
  const V one_minus_beta1 = hn::Set(d, 1.0f - step.beta1);
  const V beta2 = hn::Set(d, step.beta2);
  const V one_minus_beta2 = hn::Set(d, 1.0f - step.beta2);
  const V step_size = hn::Set(d, step.learning_rate / step.bias_correction1);
  const V root = hn::Set(d, std::sqrt(step.bias_correction2));
  const V epsilon = hn::Set(d, step.epsilon);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V g = hn::Mul(load(gradient + i, c), scale);
    const V m0 = load(m + i, c);
    const V m1 = hn::MulAdd(one_minus_beta1, hn::Sub(g, m0), m0);
    const V v1 = hn::MulAdd(beta2, load(v + i, c), hn::Mul(one_minus_beta2, hn::Mul(g, g)));
    const V denominator = hn::Add(hn::Div(hn::Sqrt(v1), root), epsilon);
    const V p = hn::Mul(load(parameter + i, c), keep);
    store(m1, m + i, c);
    store(v1, v + i, c);
    store(hn::Sub(p, hn::Div(hn::Mul(step_size, m1), denominator)), parameter + i, c);
  });
}

}  // namespace

void fill_rows(Table& table) {
  table.rms_norm = rms_norm;
  table.rms_norm_backward = rms_norm_backward;
  table.softmax = [](float* x, float scale, std::size_t n) { softmax(x, scale, n); };
  table.softmax_backward = softmax_backward;
  table.cross_entropy = cross_entropy;
  table.rotate = rotate;
  table.add_scaled = [](const float* x, float a, std::size_t n, float* y) {
    add_scaled(x, a, n, y);
  };
  table.sum_of_squares = sum_of_squares;
  table.adamw = adamw;
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_rows);
void fill_rows(Table& table) { HWY_DYNAMIC_DISPATCH(fill_rows)(table); }

}  // namespace lathe::kernels::cpu
#endif
