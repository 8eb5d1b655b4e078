// Every quantised type against an implementation that shares nothing with ours (gguf-py's NumPy
// code; tools/make_quant_oracle.py wrote the file).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/ggml_types.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"
#include "tensor/dequantize.h"
#include "tensor/quant_parts.h"
#include "tensor/quantize.h"

namespace lathe::formats {
namespace {

using tensor::DType;

class QuantType : public testing::TestWithParam<DType> {
 protected:
  static const SafetensorsFile& oracle() {
    static const SafetensorsFile file =
        SafetensorsFile::open(os::Path(LATHE_SOURCE_DIR) / "testdata/quants/blocks.safetensors")
            .value();
    return file;
  }
  std::string name() const { return std::string(tensor::to_string(GetParam())); }
};

// The oracle multiplies in another order here and there: one rounding of each of two terms.
TEST_P(QuantType, ValuesAreTheOracles) {
  const auto blocks = oracle().tensor(name() + ".blocks");
  const auto values = oracle().tensor(name() + ".values");
  ASSERT_TRUE(blocks.ok() && values.ok());
  const auto want = tensor::to_f32(*values).value();
  const auto got = tensor::to_f32({GetParam(), values->shape, blocks->bytes});
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), want.size());
  float largest = 0;
  for (const float v : want) largest = std::max(largest, std::fabs(v));
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR((*got)[i], want[i], largest * 0x1p-22f) << i;
}

TEST_P(QuantType, SizesAgreeWithGgml) {
  const GgmlType* type = find_ggml_type(GetParam());
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(type->block_elements, tensor::block_elements(GetParam()));
  EXPECT_EQ(type->block_bytes, tensor::block_bytes(GetParam()));
  EXPECT_GT(tensor::quant_layout(GetParam()).bits, 0);
}

INSTANTIATE_TEST_SUITE_P(All, QuantType,
                         testing::Values(DType::q8_0, DType::q4_0, DType::q4_1, DType::q5_0,
                                         DType::q5_1, DType::iq4_nl, DType::q2_k, DType::q3_k,
                                         DType::q4_k, DType::q5_k, DType::q6_k, DType::iq4_xs),
                         [](const auto& test) {
                           return std::string(tensor::to_string(test.param));
                         });

TEST(Quantizers, GiveTheOraclesBlocks) {
  const auto oracle =
      SafetensorsFile::open(os::Path(LATHE_SOURCE_DIR) / "testdata/quants/blocks.safetensors")
          .value();
  const auto floats = tensor::to_f32(oracle.tensor("floats").value()).value();
  for (const DType type : {DType::q8_0, DType::q4_0}) {
    const std::string name(tensor::to_string(type));
    const auto want = oracle.tensor(name + ".quantized").value();
    const auto got = tensor::quantize(type, floats);
    EXPECT_TRUE(std::ranges::equal(got, want.bytes)) << name;
  }
}

// Squares of what is lost, over all blocks.
double loss(DType type, std::span<const std::byte> blocks, std::span<const float> floats) {
  std::vector<float> back(floats.size());
  tensor::dequantize(type, blocks, back);
  double sum = 0;
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const double miss = static_cast<double>(back[i]) - static_cast<double>(floats[i]);
    sum += miss * miss;
  }
  return sum;
}

// tools/make_quantizer_oracle.py; measured on a million values of each kind, ours loses 1 to 3 %
// less.
TEST(Quantizers, LoseNoMoreThanTheReferenceWhereScalesAreSearched) {
  const auto oracle =
      SafetensorsFile::open(os::Path(LATHE_SOURCE_DIR) / "testdata/quants/search.safetensors")
          .value();
  for (const char* kind : {"normal", "channels", "heavy"}) {
    const auto floats =
        tensor::to_f32(oracle.tensor(std::string(kind) + ".floats").value()).value();
    for (const DType type : {DType::q4_k, DType::q6_k}) {
      const std::string name = std::string(kind) + "." + std::string(tensor::to_string(type));
      const auto theirs = oracle.tensor(name).value();
      EXPECT_LE(loss(type, tensor::quantize(type, floats), floats),
                loss(type, theirs.bytes, floats))
          << name;
    }
  }
}

TEST(PlainTypes, HaveNoBlocks) {
  EXPECT_EQ(tensor::quant_layout(DType::f32).bits, 0);
  EXPECT_FALSE(tensor::is_block_type(DType::bf16));
}

}  // namespace
}  // namespace lathe::formats
