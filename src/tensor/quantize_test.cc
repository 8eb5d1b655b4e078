#include "tensor/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/half.h"
#include "tensor/tensor.h"

namespace lathe::tensor {
namespace {

std::vector<float> normals(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

std::vector<float> there_and_back(DType dtype, std::span<const float> values) {
  const std::vector<std::byte> bytes = quantize(dtype, values);
  return to_f32({dtype, {static_cast<std::int64_t>(values.size())}, bytes}).value();
}

// Root of the mean squared error, as a share of the root of the mean square.
double relative_error(std::span<const float> values, std::span<const float> back) {
  double miss = 0, all = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - static_cast<double>(back[i]);
    miss += difference * difference;
    all += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return std::sqrt(miss / all);
}

TEST(Quantize, Q8ValuesAreWithinHalfAStep) {
  std::vector<float> values = normals(320, 1);
  for (int i = 0; i < 32; ++i)
    values[static_cast<std::size_t>(i)] = 0;  // a block of zeros has scale 0
  const std::vector<std::byte> bytes = quantize(DType::q8_0, values);
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

struct Expected {
  DType dtype;
  double error;  // of normal values
};

class Quantize : public testing::TestWithParam<Expected> {};

// A uniform quantiser of step s errs by s / sqrt(12). Normal values of a group reach about 2.1 (32
// of them) or 1.8 (16) deviations to each side: steps of 4.2 / 15 and 3.6 / 63 at the widest, for
// q4_0 of 2.1 / 8; the small scales' own rounding (6 and 8 bits) adds little. The search gains.
TEST_P(Quantize, ErrsNoMoreThanItsStepCallsFor) {
  const auto values = normals(256 * 200, 3);
  const auto back = there_and_back(GetParam().dtype, values);
  EXPECT_LT(relative_error(values, back), GetParam().error);
  EXPECT_GT(relative_error(values, back), GetParam().error / 4);
}

TEST_P(Quantize, KeepsZerosAndSigns) {
  const std::vector<float> zeros(512, 0.0f);
  EXPECT_EQ(there_and_back(GetParam().dtype, zeros), zeros);
  std::vector<float> one = zeros;
  one[300] = -3.5f;
  const auto back = there_and_back(GetParam().dtype, one);
  EXPECT_NEAR(back[300], -3.5f, 0.05f);
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (i == 300) continue;
    EXPECT_NEAR(back[i], 0.0f, 0.05f) << i;
  }
}

// An outlier of a group must not cost the groups beside it their precision.
TEST_P(Quantize, OutliersStayInTheirGroup) {
  if (GetParam().dtype == DType::q4_0) GTEST_SKIP() << "its block is the group";
  auto values = normals(256, 5);
  values[7] = 40.0f;
  const auto back = there_and_back(GetParam().dtype, values);
  EXPECT_NEAR(back[7], 40.0f, 1.5f);
  const auto rest = std::span(values).subspan(64);
  EXPECT_LT(relative_error(rest, std::span(back).subspan(64)), 8 * GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(All, Quantize,
                         testing::Values(Expected{DType::q8_0, 0.006}, Expected{DType::q6_k, 0.020},
                                         Expected{DType::q4_k, 0.085},
                                         Expected{DType::q4_0, 0.100}),
                         [](const auto& test) { return std::string(to_string(test.param.dtype)); });

}  // namespace
}  // namespace lathe::tensor
