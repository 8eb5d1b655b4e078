// Packed tensors of every type: the bits of their values.
#include "ops/pack.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/packed_row.h"

namespace lathe::ops {
namespace {

using tensor::DType;

class PackTest : public testing::TestWithParam<DType> {};

INSTANTIATE_TEST_SUITE_P(Types, PackTest, testing::ValuesIn(kPackedTypes), [](const auto& type) {
  return std::string(tensor::to_string(type.param));
});

TEST_P(PackTest, LosesNothing) {
  const std::size_t rows = 21, columns = 512;
  const auto bytes = *tensor::byte_size(GetParam(), rows * columns);
  std::mt19937 random(20261125);
  std::uniform_int_distribution<int> byte(0, 255);
  std::vector<std::byte> data(bytes);
  // Below 0x78 in the upper byte an f16 is finite.
  for (std::byte& b : data) b = static_cast<std::byte>(byte(random) & 0x77);
  const tensor::TensorView view = {
      GetParam(), {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, data};
  const std::vector<float> values = tensor::to_f32(view).value();
  SerialParallel serial;
  ASSERT_TRUE(is_packable(view));
  const auto packed = pack(view, serial);
  for (std::size_t row = 0; row < rows; ++row) {
    const kernels::PackedRow got(packed.panels(), row);
    for (std::size_t i = 0; i < columns; ++i)
      ASSERT_EQ(got.value(i), values[row * columns + i]) << row << ", " << i;
  }
}

TEST_P(PackTest, TakesLittleMoreThanTheFile) {
  const auto file = static_cast<double>(*tensor::byte_size(GetParam(), 256));
  const auto panel = static_cast<double>(
      kernels::packed_panel_bytes(packed_format(GetParam()), 256) / kernels::kPackedLanes);
  const bool widened = GetParam() == DType::q2_k || GetParam() == DType::q3_k ||
                       GetParam() == DType::iq4_nl || GetParam() == DType::iq4_xs;
  EXPECT_LE(panel, file * (widened ? 2.02 : 1.05));
}

TEST(Packable, AreMatricesOfKnownTypesInWholeBlocks) {
  const auto is = [](DType dtype, tensor::Shape shape) {
    return is_packable({dtype, std::move(shape), {}});
  };
  EXPECT_TRUE(is(DType::bf16, {3, 64}));
  EXPECT_TRUE(is(DType::q4_k, {3, 256}));
  EXPECT_FALSE(is(DType::bf16, {3, 48}));
  EXPECT_FALSE(is(DType::bf16, {64}));
  EXPECT_FALSE(is(DType::f16, {3, 0}));
  EXPECT_FALSE(is(DType::f16, {0, 32}));
  EXPECT_FALSE(is(DType::f64, {3, 64}));
}

}  // namespace
}  // namespace lathe::ops
