#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <limits>

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
