// Activations, their gates, LayerNorm.
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activations.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE V constant(float value) { return hn::Set(D(), value); }

HWY_INLINE V sigmoid(V x) {
  const V one = constant(1.0f);
  return hn::Div(one, hn::Add(one, hn::Exp(D(), hn::Neg(x))));
}

// Abramowitz & Stegun 1964, 7.1.26: at most 1.5e-7 off, a unit in the last place of 1.
HWY_INLINE V erf(V x) {
  const D d;
  const V size = hn::Abs(x);
  const V one = constant(1.0f);
  const V t = hn::Div(one, hn::MulAdd(constant(0.3275911f), size, one));
  V sum = constant(1.061405429f);
  for (const float c : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f})
    sum = hn::MulAdd(sum, t, constant(c));
  const V tail = hn::Mul(hn::Mul(sum, t), hn::Exp(d, hn::Neg(hn::Mul(size, size))));
  return hn::CopySign(hn::Sub(one, tail), x);
}

struct Silu {
  static HWY_INLINE V value(V x) { return hn::Mul(x, sigmoid(x)); }
  static HWY_INLINE V slope(V x) {
    const V one = constant(1.0f);
    const V s = sigmoid(x);
    return hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one));
  }
};

struct GeluQuick {
  static HWY_INLINE V value(V x) { return hn::Mul(x, sigmoid(hn::Mul(constant(1.702f), x))); }
  static HWY_INLINE V slope(V x) {
    const V one = constant(1.0f);
    const V inner = hn::Mul(constant(1.702f), x);
    const V s = sigmoid(inner);
    return hn::Mul(s, hn::MulAdd(inner, hn::Sub(one, s), one));
  }
};

struct Relu {
  static HWY_INLINE V value(V x) { return hn::Max(x, constant(0.0f)); }
  static HWY_INLINE V slope(V x) {
    return hn::IfThenElseZero(hn::Gt(x, constant(0.0f)), constant(1.0f));
  }
};

struct ReluSquared {
  static HWY_INLINE V value(V x) { return hn::Mul(Relu::value(x), Relu::value(x)); }
  static HWY_INLINE V slope(V x) { return hn::Mul(constant(2.0f), Relu::value(x)); }
};

struct Tanh {
  static HWY_INLINE V value(V x) { return tanh(x); }
  static HWY_INLINE V slope(V x) {
    const V t = tanh(x);
    return hn::NegMulAdd(t, t, constant(1.0f));
  }
};

struct Sigmoid {
  static HWY_INLINE V value(V x) { return sigmoid(x); }
  static HWY_INLINE V slope(V x) {
    const V s = sigmoid(x);
    return hn::Mul(s, hn::Sub(constant(1.0f), s));
  }
};

struct Gelu {
  // The distribution function of the normal distribution.
  static HWY_INLINE V phi(V x) {
    const V half = constant(0.5f);
    return hn::MulAdd(half, erf(hn::Mul(x, constant(0.70710678f))), half);
  }
  static HWY_INLINE V value(V x) { return hn::Mul(x, phi(x)); }
  static HWY_INLINE V slope(V x) {
    const V bell = hn::Exp(D(), hn::Mul(constant(-0.5f), hn::Mul(x, x)));
    return hn::MulAdd(hn::Mul(x, constant(0.39894228f)), bell, phi(x));
  }
};

struct GeluTanh {
  static constexpr float kScale = 0.79788456f;  // sqrt(2 / pi)
  static constexpr float kCube = 0.044715f;

  static HWY_INLINE V inner(V x) {
    const V square = hn::Mul(x, x);
    const V factor = hn::MulAdd(constant(kScale * kCube), square, constant(kScale));
    return tanh(hn::Mul(x, factor));
  }
  static HWY_INLINE V value(V x) {
    const V half = hn::Mul(constant(0.5f), x);
    return hn::MulAdd(half, inner(x), half);
  }
  static HWY_INLINE V slope(V x) {
    const V one = constant(1.0f);
    const V half = constant(0.5f);
    const V t = inner(x);
    const V inside = hn::MulAdd(constant(3 * kScale * kCube), hn::Mul(x, x), constant(kScale));
    const V steep = hn::Mul(hn::Mul(half, x), hn::Mul(hn::NegMulAdd(t, t, one), inside));
    return hn::MulAdd(half, hn::Add(one, t), steep);
  }
};

template <class Act>
void gated_by(const float* gate, const float* up, std::size_t n, float* y) {
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V value = Act::value(load(gate + i, c));
    store(up != nullptr ? hn::Mul(value, load(up + i, c)) : value, y + i, c);
  });
}

template <class Act>
void gated_backward_by(const float* gate, const float* up, const float* dy, std::size_t n,
                       float* dgate, float* dup) {
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V g = load(gate + i, c);
    const V out = load(dy + i, c);
    const V slope = Act::slope(g);
    const V into = up != nullptr ? hn::Mul(out, load(up + i, c)) : out;
    if (up != nullptr) store(hn::Mul(out, Act::value(g)), dup + i, c);
    store(hn::Mul(into, slope), dgate + i, c);
  });
}

// Calls body with the struct of an activation.
template <class Body>
void with_activation(Activation act, Body body) {
  switch (act) {
    case Activation::gelu:
      return body(Gelu());
    case Activation::gelu_tanh:
      return body(GeluTanh());
    case Activation::gelu_quick:
      return body(GeluQuick());
    case Activation::relu:
      return body(Relu());
    case Activation::relu_squared:
      return body(ReluSquared());
    case Activation::tanh:
      return body(Tanh());
    case Activation::sigmoid:
      return body(Sigmoid());
    default:
      return body(Silu());
  }
}

void gated(Activation act, const float* gate, const float* up, std::size_t n, float* y) {
  with_activation(act, [&](auto chosen) { gated_by<decltype(chosen)>(gate, up, n, y); });
}

void gated_backward(Activation act, const float* gate, const float* up, const float* dy,
                    std::size_t n, float* dgate, float* dup) {
  with_activation(
      act, [&](auto chosen) { gated_backward_by<decltype(chosen)>(gate, up, dy, n, dgate, dup); });
}

struct Moments {
  float mean, inverse_deviation;
};

// In two passes: a difference of large squares would lose what a small variance needs.
Moments moments(const float* x, float epsilon, std::size_t n) {
  const D d;
  const auto count = static_cast<float>(n);
  V sum = hn::Zero(d);
  for_each_vector(
      n, [&](std::size_t i, std::size_t c) HWY_ATTR { sum = hn::Add(sum, load(x + i, c)); });
  const float mean = sum_lanes(sum) / count;
  const V shift = constant(mean);
  V squares = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    V off = hn::Sub(load(x + i, c), shift);
    if (c < hn::Lanes(d)) off = hn::IfThenElseZero(hn::FirstN(d, c), off);
    squares = hn::MulAdd(off, off, squares);
  });
  return {mean, 1.0f / std::sqrt(sum_lanes(squares) / count + epsilon)};
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon,
                std::size_t n, float* y) {
  const Moments m = moments(x, epsilon, n);
  const V mean = constant(m.mean);
  const V inverse = constant(m.inverse_deviation);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V z = hn::Mul(hn::Sub(load(x + i, c), mean), inverse);
    store(hn::MulAdd(z, load(weight + i, c), load(bias + i, c)), y + i, c);
  });
}

// With z the normalised x: dx = (g - mean(g) - z mean(g z)) / deviation, g = dy * weight.
void layer_norm_backward(const float* x, const float* weight, float epsilon, const float* dy,
                         std::size_t n, float* dx, float* dweight, float* dbias) {
  const D d;
  const Moments m = moments(x, epsilon, n);
  const V mean = constant(m.mean);
  const V inverse = constant(m.inverse_deviation);
  V sum = hn::Zero(d), dot = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V g = hn::Mul(load(dy + i, c), load(weight + i, c));  // 0 past the end
    sum = hn::Add(sum, g);
    dot = hn::MulAdd(g, hn::Mul(hn::Sub(load(x + i, c), mean), inverse), dot);
  });
  const auto count = static_cast<float>(n);
  const V mean_g = constant(sum_lanes(sum) / count);
  const V mean_gz = constant(sum_lanes(dot) / count);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    const V out = load(dy + i, c);
    const V z = hn::Mul(hn::Sub(load(x + i, c), mean), inverse);
    const V g = hn::Sub(hn::Mul(out, load(weight + i, c)), mean_g);
    store(hn::MulAdd(inverse, hn::NegMulAdd(z, mean_gz, g), load(dx + i, c)), dx + i, c);
    if (dweight != nullptr) store(hn::MulAdd(out, z, load(dweight + i, c)), dweight + i, c);
    if (dbias != nullptr) store(hn::Add(out, load(dbias + i, c)), dbias + i, c);
  });
}

}  // namespace

void fill_activations(Table& table) {
  table.gated = gated;
  table.gated_backward = gated_backward;
  table.soft_cap = [](float* x, float scale, float cap, std::size_t n) {
    soft_cap(x, scale, cap, n);
  };
  table.layer_norm = layer_norm;
  table.layer_norm_backward = layer_norm_backward;
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_activations);
void fill_activations(Table& table) { HWY_DYNAMIC_DISPATCH(fill_activations)(table); }

}  // namespace lathe::kernels::cpu
#endif
