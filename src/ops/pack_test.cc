// Packed tensors of every block type: the bits of their dequantised values.
#include "ops/pack.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/packed_row.h"
#include "tensor/dequantize.h"

namespace lathe::ops {
namespace {

using tensor::DType;

class PackTest : public testing::TestWithParam<DType> {};

INSTANTIATE_TEST_SUITE_P(Types, PackTest, testing::ValuesIn(tensor::kBlockTypes),
                         [](const auto& type) {
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
  std::vector<float> values(rows * columns);
  tensor::dequantize(GetParam(), data, values);
  SerialParallel serial;
  const auto packed = pack(
      {GetParam(), {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, data},
      serial);
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

}  // namespace
}  // namespace lathe::ops
