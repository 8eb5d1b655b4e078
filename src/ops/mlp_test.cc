// A gated MLP as one op has the bits of its ops one by one, whatever kinds of rows it gets.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "ops/ops.h"
#include "ops/pack.h"
#include "tensor/testing/typed_bytes.h"

namespace lathe::ops {
namespace {

constexpr unsigned kSeed = 20261128;
constexpr std::size_t kWidth = 96, kInner = 352;

class MlpTest : public testing::Test {
 protected:
  std::vector<float> normals(std::size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& x : values) x = normal(random_);
    return values;
  }
  MatrixWeight packed(tensor::DType dtype, std::size_t rows, std::size_t columns) {
    const std::vector<std::byte> bytes =
        tensor::testing::typed_bytes(dtype, normals(rows * columns));
    const tensor::TensorView view = {
        dtype, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, bytes};
    weights_.push_back(pack(view, serial_));
    MatrixWeight weight;
    weight.rows = rows;
    weight.columns = columns;
    weight.packed = weights_.back().panels();
    return weight;
  }

  void expect_bits_of_ops(const MlpWeights& w, std::size_t rows, std::size_t drawn) {
    tensor::Arena arena;
    ops::Run run(kernels::active(), serial_, arena);
    run.activations = Activations::by_row;
    std::vector<float> input = normals(rows * kWidth), before = normals(rows * kWidth);
    const Value x = {input.data(), rows, kWidth}, residual = {before.data(), rows, kWidth};
    const LinearTerms terms = {.residual = &residual, .drawn = drawn};
    const Value gate = linear(run, x, w.gate, {.drawn = drawn});
    const Value up = linear(run, x, w.up, {.drawn = drawn});
    const Value expected = linear(run, gated(run, gate, &up, w.activation), w.down, terms);
    const Value got = mlp(run, x, w, terms);
    ASSERT_EQ(got.rows, rows);
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got.data[i], expected.data[i])
          << rows << " rows, " << drawn << " drawn, " << i << ", seed " << kSeed;
  }

  std::mt19937 random_{kSeed};
  SerialParallel serial_;
  std::deque<kernels::PackedWeights> weights_;
};

TEST_F(MlpTest, HasTheBitsOfItsOps) {
  for (const auto dtype : {tensor::DType::q4_0, tensor::DType::q8_0, tensor::DType::bf16}) {
    const MatrixWeight gate = packed(dtype, kInner, kWidth), up = packed(dtype, kInner, kWidth);
    const MatrixWeight down = packed(dtype, kWidth, kInner);
    for (const auto activation : {kernels::Activation::silu, kernels::Activation::gelu_tanh}) {
      for (const std::size_t rows : {1, 5, 33, 530})
        expect_bits_of_ops({gate, up, down, activation}, rows, 0);
      expect_bits_of_ops({gate, up, down, activation}, 60, 7);
      expect_bits_of_ops({gate, up, down, activation}, 20, 20);
    }
  }
}

// So wide that rows go through it some at a time.
TEST_F(MlpTest, TakesRowsInSlices) {
  constexpr std::size_t kWide = 16'896;
  const MatrixWeight gate = packed(tensor::DType::q4_0, kWide, kWidth);
  const MatrixWeight down = packed(tensor::DType::q8_0, kWidth, kWide);
  expect_bits_of_ops({gate, gate, down, kernels::Activation::silu}, 150, 0);
  expect_bits_of_ops({gate, gate, down, kernels::Activation::silu}, 150, 70);
  expect_bits_of_ops({gate, gate, down, kernels::Activation::silu}, 140, 140);
}

TEST_F(MlpTest, TakesWeightsOfTwoKinds) {
  const MatrixWeight gate = packed(tensor::DType::q4_0, kInner, kWidth);
  const MatrixWeight up = packed(tensor::DType::q8_0, kInner, kWidth);
  const MatrixWeight down = packed(tensor::DType::f16, kWidth, kInner);
  expect_bits_of_ops({gate, up, down, kernels::Activation::silu}, 40, 3);
  expect_bits_of_ops({up, up, down, kernels::Activation::silu}, 40, 3);
}

}  // namespace
}  // namespace lathe::ops
