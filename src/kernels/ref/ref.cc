#include "kernels/ref/ref.h"

#include <algorithm>
#include <cmath>

#include "kernels/ref/fill.h"

namespace lathe::kernels::ref {
namespace {

constexpr std::size_t kPanel = 16;

void pack_panels(const Matrix& b, std::size_t k, std::size_t n, std::size_t first_panel,
                 std::size_t panels, float* out) {
  for (std::size_t p = first_panel; p < first_panel + panels; ++p) {
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = p * kPanel; j < (p + 1) * kPanel; ++j) {
        *out++ = j < n ? b.data[i * b.row_stride + j * b.col_stride] : 0.0f;
      }
    }
  }
}

// value(panel, i, j): element i along k, column j of the panel.
template <class Value>
void multiply(const MultiplyBlock& block, const Value& value) {
  for (std::size_t r = 0; r < block.rows; ++r) {
    for (std::size_t column = 0; column < block.columns; ++column) {
      float* c = block.c + r * block.c_stride + column;
      float sum = block.accumulate ? *c : 0.0f;
      for (std::size_t i = 0; i < block.k; ++i) {
        const float a = block.a.data[r * block.a.row_stride + i * block.a.col_stride];
        sum = std::fma(a, value(column / kPanel, i, column % kPanel), sum);
      }
      *c = sum;
    }
  }
}

void multiply_f32(const MultiplyBlock& block, const float* panels) {
  multiply(block, [&](std::size_t panel, std::size_t i, std::size_t j) {
    return panels[(panel * block.k + i) * kPanel + j];
  });
}

void multiply_in_place(const MultiplyBlock& block, const Matrix& b) {
  multiply(block, [&](std::size_t panel, std::size_t i, std::size_t j) {
    return b.data[i * b.row_stride + (panel * kPanel + j) * b.col_stride];
  });
}

float inverse_rms(const float* x, float epsilon, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return static_cast<float>(1.0 / std::sqrt(sum / static_cast<double>(n) + epsilon));
}

void rms_norm(const float* x, const float* weight, float epsilon, std::size_t n, float* y) {
  const float inverse = inverse_rms(x, epsilon, n);
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * inverse * weight[i];
}

void rms_norm_backward(const float* x, const float* weight, float epsilon, const float* dy,
                       std::size_t n, float* dx, float* dweight) {
  const float inverse = inverse_rms(x, epsilon, n);
  double dot = 0;  // sum of dy * weight * normalised x
  for (std::size_t i = 0; i < n; ++i)
    dot += static_cast<double>(dy[i]) * weight[i] * (x[i] * inverse);
  const float mean = static_cast<float>(dot / static_cast<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    const float normalised = x[i] * inverse;
    dx[i] += inverse * (dy[i] * weight[i] - normalised * mean);
    if (dweight != nullptr) dweight[i] += dy[i] * normalised;
  }
}

struct Moments {
  double mean, inverse_deviation;
};

Moments moments(const float* x, float epsilon, std::size_t n) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<double>(n) + epsilon)};
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon,
                std::size_t n, float* y) {
  const Moments m = moments(x, epsilon, n);
  for (std::size_t i = 0; i < n; ++i)
    y[i] = static_cast<float>((x[i] - m.mean) * m.inverse_deviation) * weight[i] + bias[i];
}

// With z the normalised x: dx = (g - mean(g) - z mean(g z)) / deviation, g = dy * weight.
void layer_norm_backward(const float* x, const float* weight, float epsilon, const float* dy,
                         std::size_t n, float* dx, float* dweight, float* dbias) {
  const Moments m = moments(x, epsilon, n);
  const auto z = [&](std::size_t i) { return (x[i] - m.mean) * m.inverse_deviation; };
  double sum = 0, dot = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(dy[i]) * weight[i];
    sum += g;
    dot += g * z(i);
  }
  sum /= static_cast<double>(n);
  dot /= static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(dy[i]) * weight[i];
    dx[i] += static_cast<float>(m.inverse_deviation * (g - sum - z(i) * dot));
    if (dweight != nullptr) dweight[i] += static_cast<float>(dy[i] * z(i));
    if (dbias != nullptr) dbias[i] += dy[i];
  }
}

constexpr double kRootTwo = 1.4142135623730951;
constexpr double kTanhScale = 0.7978845608028654;  // sqrt(2 / pi)
constexpr double kTanhCube = 0.044715;
constexpr double kQuick = 1.702;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activation(Activation act, double x) {
  switch (act) {
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x / kRootTwo));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(kTanhScale * (x + kTanhCube * x * x * x)));
    case Activation::gelu_quick:
      return x * sigmoid(kQuick * x);
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::relu_squared:
      return std::max(x, 0.0) * std::max(x, 0.0);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
    default:
      return x * sigmoid(x);
  }
}

double slope(Activation act, double x) {
  switch (act) {
    case Activation::gelu:
      return 0.5 * (1 + std::erf(x / kRootTwo)) + 0.5 * kTanhScale * x * std::exp(-0.5 * x * x);
    case Activation::gelu_tanh: {
      const double t = std::tanh(kTanhScale * (x + kTanhCube * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kTanhScale * (1 + 3 * kTanhCube * x * x);
    }
    case Activation::gelu_quick: {
      const double s = sigmoid(kQuick * x);
      return s * (1 + kQuick * x * (1 - s));
    }
    case Activation::relu:
      return x > 0 ? 1 : 0;
    case Activation::relu_squared:
      return 2 * std::max(x, 0.0);
    case Activation::tanh:
      return 1 - std::tanh(x) * std::tanh(x);
    case Activation::sigmoid:
      return sigmoid(x) * (1 - sigmoid(x));
    default: {
      const double s = sigmoid(x);
      return s * (1 + x * (1 - s));
    }
  }
}

void gated(Activation act, const float* gate, const float* up, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; ++i)
    y[i] = static_cast<float>(activation(act, gate[i]) * (up != nullptr ? up[i] : 1.0f));
}

void gated_backward(Activation act, const float* gate, const float* up, const float* dy,
                    std::size_t n, float* dgate, float* dup) {
  for (std::size_t i = 0; i < n; ++i) {
    const double g = dy[i];
    if (up != nullptr) dup[i] = static_cast<float>(g * activation(act, gate[i]));
    dgate[i] = static_cast<float>(g * (up != nullptr ? up[i] : 1.0f) * slope(act, gate[i]));
  }
}

void soft_cap(float* x, float scale, float cap, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    x[i] = static_cast<float>(cap * std::tanh(static_cast<double>(scale) * x[i] / cap));
}

void softmax(float* x, float scale, std::size_t n) {
  const float largest = *std::max_element(x, x + n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = std::exp(scale * (x[i] - largest));
    sum += x[i];
  }
  const float inverse = static_cast<float>(1.0 / sum);
  for (std::size_t i = 0; i < n; ++i) x[i] *= inverse;
}

void softmax_backward(const float* p, float scale, std::size_t n, float* dp) {
  double dot = 0;
  for (std::size_t i = 0; i < n; ++i) dot += static_cast<double>(p[i]) * dp[i];
  for (std::size_t i = 0; i < n; ++i) dp[i] = scale * p[i] * (dp[i] - static_cast<float>(dot));
}

float cross_entropy(const float* logits, std::size_t n, std::size_t target, float weight,
                    float* dlogits) {
  const float largest = *std::max_element(logits, logits + n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i] - largest));
  const double loss = std::log(sum) - static_cast<double>(logits[target] - largest);
  if (dlogits != nullptr) {
    for (std::size_t i = 0; i < n; ++i) {
      const double p = std::exp(static_cast<double>(logits[i] - largest)) / sum;
      dlogits[i] = static_cast<float>(weight * (p - (i == target ? 1.0 : 0.0)));
    }
  }
  return static_cast<float>(loss);
}

void rotate(float* x, const float* cosines, const float* sines, float sign, std::size_t n) {
  const std::size_t half = n / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    const float sine = sign * sines[i];
    x[i] = a * cosines[i] - b * sine;
    x[i + half] = b * cosines[i] + a * sine;
  }
}

void add_scaled(const float* x, float a, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

double sum_of_squares(const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

void adamw(const AdamWStep& step, const float* gradient, std::size_t n, float* parameter, float* m,
           float* v) {
  const float step_size = step.learning_rate / step.bias_correction1;
  const float root = std::sqrt(step.bias_correction2);
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    parameter[i] *= 1.0f - step.learning_rate * step.weight_decay;
    m[i] += (1.0f - step.beta1) * (g - m[i]);
    v[i] = step.beta2 * v[i] + (1.0f - step.beta2) * g * g;
    parameter[i] -= step_size * m[i] / (std::sqrt(v[i]) / root + step.epsilon);
  }
}

}  // namespace

const Table& table() {
  static const Table kTable = [] {
    Table t;
    t.name = "ref";
    t.panel = kPanel;
    t.pack_panels = pack_panels;
    t.multiply_f32 = multiply_f32;
    t.multiply_in_place = multiply_in_place;
    fill_packed(t);
    t.rms_norm = rms_norm;
    t.rms_norm_backward = rms_norm_backward;
    t.layer_norm = layer_norm;
    t.layer_norm_backward = layer_norm_backward;
    t.gated = gated;
    t.gated_backward = gated_backward;
    t.soft_cap = soft_cap;
    t.softmax = softmax;
    t.softmax_backward = softmax_backward;
    t.cross_entropy = cross_entropy;
    t.rotate = rotate;
    fill_attention(t);
    t.add_scaled = add_scaled;
    t.sum_of_squares = sum_of_squares;
    t.adamw = adamw;
    return t;
  }();
  return kTable;
}

}  // namespace lathe::kernels::ref
