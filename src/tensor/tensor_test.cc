#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/half.h"

namespace lathe::tensor {
namespace {

TEST(Shape, CountsElementsAndRefusesOverflow) {
  EXPECT_EQ(element_count({2, 3, 4}), 24u);
  EXPECT_EQ(element_count({}), 1u);
  EXPECT_EQ(element_count({2, -1}), std::nullopt);
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(element_count({huge, huge}), std::nullopt);
  EXPECT_EQ(to_string(Shape{2, 3}), "[2, 3]");
}

TEST(DType, SizesAndTheirOverflow) {
  EXPECT_EQ(byte_size(DType::f32, 3), 12u);
  EXPECT_EQ(byte_size(DType::q8_0, 64), 68u);
  EXPECT_EQ(byte_size(DType::q8_0, 33), std::nullopt);
  EXPECT_EQ(byte_size(DType::f64, std::numeric_limits<std::uint64_t>::max()), std::nullopt);
}

TEST(Tensor, QuantisedValuesAreWithinHalfAStep) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(320);
  for (float& v : values) v = normal(random);
  for (int i = 0; i < 32; ++i)
    values[static_cast<std::size_t>(i)] = 0;  // a block of zeros has scale 0
  const std::vector<std::byte> bytes = quantize_q8_0(values);
  const auto back = to_f32({DType::q8_0, {320}, bytes});
  ASSERT_TRUE(back.ok());
  for (std::size_t block = 0; block < 10; ++block) {
    float largest = 0;
    for (std::size_t i = 0; i < 32; ++i)
      largest = std::max(largest, std::fabs(values[block * 32 + i]));
    // Half a step of rounding, and the scale itself rounded to 11 bits.
    const float tolerance = largest / 127 * 0.5f + largest * 0x1p-11f;
    for (std::size_t i = 0; i < 32; ++i) {
      EXPECT_NEAR((*back)[block * 32 + i], values[block * 32 + i], tolerance);
    }
  }
}

TEST(Tensor, HalvesBecomeFloats) {
  const std::vector<std::uint16_t> halves = {f32_to_f16(1.5f), f32_to_f16(-0.25f)};
  EXPECT_EQ(to_f32({DType::f16, {2}, std::as_bytes(std::span(halves))}).value(),
            (std::vector<float>{1.5f, -0.25f}));
  const std::vector<std::uint16_t> brains = {f32_to_bf16(1.5f), f32_to_bf16(-0.25f)};
  EXPECT_EQ(to_f32({DType::bf16, {2}, std::as_bytes(std::span(brains))}).value(),
            (std::vector<float>{1.5f, -0.25f}));
}

TEST(Tensor, IntegersAreNoWeights) {
  const std::vector<std::int32_t> ints = {1};
  const auto result = to_f32({DType::i32, {1}, std::as_bytes(std::span(ints))});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::unsupported);
}

}  // namespace
}  // namespace lathe::tensor
