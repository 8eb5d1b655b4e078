// Every table against the reference, on sizes around the edges of vectors, panels and blocks.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "kernels/matmul.h"
#include "kernels/ref/ref.h"
#include "kernels/table.h"

namespace lathe::kernels {
namespace {

constexpr float kEpsilon = 0x1p-24f;  // half a unit in the last place of 1

class KernelsTest : public testing::TestWithParam<std::string> {
 protected:
  const Table& table_ = *find(GetParam()).value();
  const Table& ref_ = ref::table();
  std::mt19937 random_{20261123};

  std::vector<float> normals(std::size_t n, float deviation = 1) {
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> out(n);
    for (float& x : out) x = normal(random_);
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest, testing::ValuesIn(available()),
                         [](const auto& named) { return named.param; });

double exact_product(const Matrix& a, const Matrix& b, std::size_t i, std::size_t j, std::size_t k,
                     double* magnitude) {
  double sum = 0;
  *magnitude = 0;
  for (std::size_t t = 0; t < k; ++t) {
    const double term = static_cast<double>(a.data[i * a.row_stride + t * a.col_stride]) *
                        b.data[t * b.row_stride + j * b.col_stride];
    sum += term;
    *magnitude += std::fabs(term);
  }
  return sum;
}

// |error| <= k * eps * sum|a b| (Higham 2002, section 3.1), doubled for separate multiply and add.
TEST_P(KernelsTest, ProductsInEachTransposition) {
  struct Size {
    std::size_t m, n, k;
  };
  SerialParallel serial;
  PackBuffer buffer;
  for (const Size s : {Size{1, 1, 1},
                       {1, 64, 256},
                       {5, 65, 31},
                       {6, 16, 128},
                       {7, 100, 129},
                       {250, 70, 300},
                       {245, 70, 900},
                       {13, 1100, 130},
                       {730, 70, 140},
                       {367, 130, 140}}) {
    for (const bool a_transposed : {false, true}) {
      for (const bool b_transposed : {false, true}) {
        const auto a = normals(s.m * s.k);
        const auto b = normals(s.k * s.n);
        const auto start = normals(s.m * s.n);
        const Matrix am = a_transposed ? Matrix{a.data(), 1, s.m} : Matrix{a.data(), s.k, 1};
        const Matrix bm = b_transposed ? Matrix{b.data(), 1, s.k} : Matrix{b.data(), s.n, 1};
        for (const bool accumulate : {false, true}) {
          auto c = start;
          multiply_unpacked(table_, {am, s.m, s.k, s.n, c.data(), s.n, accumulate}, bm, buffer,
                            serial);
          for (std::size_t i = 0; i < s.m; ++i) {
            for (std::size_t j = 0; j < s.n; ++j) {
              double magnitude = 0;
              double exact = exact_product(am, bm, i, j, s.k, &magnitude);
              if (accumulate) exact += start[i * s.n + j];
              magnitude += std::fabs(exact);
              ASSERT_NEAR(c[i * s.n + j], exact,
                          2 * static_cast<double>(s.k + 1) * kEpsilon * magnitude)
                  << s.m << "x" << s.n << "x" << s.k << " at " << i << "," << j;
            }
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, ARowAloneGivesTheBitsItGivesInABatch) {
  SerialParallel serial;
  PackBuffer buffer;
  const std::size_t m = 251, n = 133, k = 1000;
  const auto a = normals(m * k);
  const auto b = normals(n * k);
  std::vector<float> together(m * n);
  const Matrix bm = {b.data(), 1, k};
  multiply_unpacked(table_, {{a.data(), k, 1}, m, k, n, together.data(), n}, bm, buffer, serial);
  for (const std::size_t row : {0u, 5u, 6u, 239u, 240u, 250u}) {
    std::vector<float> alone(n);
    multiply_unpacked(table_, {{a.data() + row * k, k, 1}, 1, k, n, alone.data(), n}, bm, buffer,
                      serial);
    EXPECT_EQ(alone, std::vector<float>(together.begin() + static_cast<long>(row * n),
                                        together.begin() + static_cast<long>((row + 1) * n)));
  }
}

// Both sides round each of n steps; sums of n terms in any order differ by at most n * eps relative
// to the sum of magnitudes, and exp by a few units in the last place.
void expect_close(const std::vector<float>& got, const std::vector<float>& want, float relative) {
  ASSERT_EQ(got.size(), want.size());
  float scale = 1e-6f;
  for (const float x : want) scale = std::max(scale, std::fabs(x));
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], relative * scale) << i;
}

TEST_P(KernelsTest, RowKernelsEqualTheReference) {
  for (const std::size_t n : {1u, 7u, 16u, 33u, 256u, 1000u}) {
    const float tolerance = 16 * kEpsilon * std::max(4.0f, std::sqrt(static_cast<float>(n)));
    const auto x = normals(n, 3), w = normals(n), dy = normals(n), up = normals(n);
    const auto start = normals(n);
    std::vector<float> a(n), b(n);
    table_.rms_norm(x.data(), w.data(), 1e-5f, n, a.data());
    ref_.rms_norm(x.data(), w.data(), 1e-5f, n, b.data());
    expect_close(a, b, tolerance);

    auto dx_a = start, dx_b = start, dw_a = start, dw_b = start;
    table_.rms_norm_backward(x.data(), w.data(), 1e-5f, dy.data(), n, dx_a.data(), dw_a.data());
    ref_.rms_norm_backward(x.data(), w.data(), 1e-5f, dy.data(), n, dx_b.data(), dw_b.data());
    expect_close(dx_a, dx_b, tolerance);
    expect_close(dw_a, dw_b, tolerance);

    a = x, b = x;
    table_.softmax(a.data(), 0.7f, n);
    ref_.softmax(b.data(), 0.7f, n);
    expect_close(a, b, tolerance);
    auto dp_a = dy, dp_b = dy;
    table_.softmax_backward(b.data(), 0.7f, n, dp_a.data());
    ref_.softmax_backward(b.data(), 0.7f, n, dp_b.data());
    expect_close(dp_a, dp_b, tolerance);

    const std::size_t target = n / 2;
    const float loss = ref_.cross_entropy(x.data(), n, target, 0.3f, b.data());
    EXPECT_NEAR(table_.cross_entropy(x.data(), n, target, 0.3f, a.data()), loss, tolerance * 16);
    EXPECT_NEAR(table_.cross_entropy(x.data(), n, target, 0.3f, nullptr), loss, tolerance * 16);
    expect_close(a, b, tolerance);

    a = start, b = start;
    table_.add_scaled(x.data(), 0.3f, n, a.data());
    ref_.add_scaled(x.data(), 0.3f, n, b.data());
    expect_close(a, b, tolerance);
    EXPECT_NEAR(table_.sum_of_squares(x.data(), n), ref_.sum_of_squares(x.data(), n),
                tolerance * ref_.sum_of_squares(x.data(), n));
  }
}

TEST_P(KernelsTest, LayerNormEqualsTheReference) {
  for (const std::size_t n : {1u, 7u, 16u, 33u, 256u, 1000u}) {
    const float tolerance = 16 * kEpsilon * std::max(4.0f, std::sqrt(static_cast<float>(n)));
    auto x = normals(n, 3);
    for (float& value : x) value += 2;  // a mean that is not zero
    const auto w = normals(n), bias = normals(n), dy = normals(n), start = normals(n);
    std::vector<float> a(n), b(n);
    table_.layer_norm(x.data(), w.data(), bias.data(), 1e-5f, n, a.data());
    ref_.layer_norm(x.data(), w.data(), bias.data(), 1e-5f, n, b.data());
    expect_close(a, b, tolerance);
    auto dx_a = start, dx_b = start, dw_a = start, dw_b = start, db_a = start, db_b = start;
    table_.layer_norm_backward(x.data(), w.data(), 1e-5f, dy.data(), n, dx_a.data(), dw_a.data(),
                               db_a.data());
    ref_.layer_norm_backward(x.data(), w.data(), 1e-5f, dy.data(), n, dx_b.data(), dw_b.data(),
                             db_b.data());
    expect_close(dx_a, dx_b, tolerance);
    expect_close(dw_a, dw_b, tolerance);
    expect_close(db_a, db_b, tolerance);
  }
}

// exp's relative error grows with its argument: a unit in the last place of 2u, at most 18 before
// the tangent is 1, is 18 of them in e^2u; silu and gelu stay below that.
TEST_P(KernelsTest, ActivationsEqualTheReference) {
  const float tolerance = 2 * 18 * kEpsilon;
  for (const std::size_t n : {1u, 7u, 16u, 33u, 256u}) {
    const auto x = normals(n, 3), up = normals(n), dy = normals(n);
    for (const Activation act : kActivations) {
      for (const float* gate : {static_cast<const float*>(nullptr), up.data()}) {
        std::vector<float> a(n), b(n), da(n), db(n), ua(n), ub(n);
        table_.gated(act, x.data(), gate, n, a.data());
        ref_.gated(act, x.data(), gate, n, b.data());
        expect_close(a, b, tolerance);
        table_.gated_backward(act, x.data(), gate, dy.data(), n, da.data(), ua.data());
        ref_.gated_backward(act, x.data(), gate, dy.data(), n, db.data(), ub.data());
        expect_close(da, db, tolerance);
        expect_close(ua, ub, tolerance);
      }
    }
    auto a = x, b = x;
    table_.soft_cap(a.data(), 0.7f, 2.0f, n);
    ref_.soft_cap(b.data(), 0.7f, 2.0f, n);
    expect_close(a, b, 16 * kEpsilon);
  }
}

TEST_P(KernelsTest, RotationEqualsTheReferenceAndTurnsBack) {
  for (const std::size_t n : {2u, 16u, 30u, 128u}) {
    const auto x = normals(n);
    const auto angles = normals(n / 2, 10);
    std::vector<float> cosines, sines;
    for (const float angle : angles) {
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
    auto a = x, b = x;
    table_.rotate(a.data(), cosines.data(), sines.data(), 1, n);
    ref_.rotate(b.data(), cosines.data(), sines.data(), 1, n);
    expect_close(a, b, 4 * kEpsilon);
    table_.rotate(a.data(), cosines.data(), sines.data(), -1, n);
    expect_close(a, x, 8 * kEpsilon);
  }
}

TEST_P(KernelsTest, AdamWEqualsTheReference) {
  const std::size_t n = 37;
  auto p_a = normals(n), m_a = normals(n, 0.1f), v_a = normals(n, 0.1f);
  for (float& v : v_a) v *= v;
  auto p_b = p_a, m_b = m_a, v_b = v_a;
  const auto gradient = normals(n);
  AdamWStep step;
  step.learning_rate = 1e-2f;
  step.weight_decay = 0.1f;
  step.bias_correction1 = 0.1f;
  step.bias_correction2 = 0.001f;
  step.gradient_scale = 0.5f;
  table_.adamw(step, gradient.data(), n, p_a.data(), m_a.data(), v_a.data());
  ref_.adamw(step, gradient.data(), n, p_b.data(), m_b.data(), v_b.data());
  expect_close(p_a, p_b, 8 * kEpsilon);
  expect_close(m_a, m_b, 8 * kEpsilon);
  expect_close(v_a, v_b, 8 * kEpsilon);
}

// Value of an environment variable, "" where there is none.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// LATHE_BEST_CPU: what the caller of this test knows of the processor (cmake/LatheArm.cmake).
TEST(Tables, TheBestOneIsInUseUnlessTheEnvironmentNamesAnother) {
  const std::string best = available().back(), named = environment("LATHE_CPU");
  EXPECT_EQ(active().name, named.empty() ? best : named);
  if (const std::string known = environment("LATHE_BEST_CPU"); !known.empty()) {
    EXPECT_EQ(best, known);
  }
}

TEST(Tables, UnknownNamesAreErrorsThatNameTheChoices) {
  const auto result = find("z80");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message().find("ref"), std::string::npos);
}

}  // namespace
}  // namespace lathe::kernels
