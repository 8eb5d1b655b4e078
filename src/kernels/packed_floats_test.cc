// Packed floats: what is put comes out, and every table's products equal those of their f32 values.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "base/half.h"
#include "kernels/matmul.h"
#include "kernels/packed_row.h"
#include "kernels/read_tuner.h"
#include "kernels/ref/ref.h"

namespace lathe::kernels {
namespace {

constexpr unsigned kSeed = 20261129;
constexpr PackedFormat kFloats[] = {
    {32, 0, ScaleForm::f32}, {16, 0, ScaleForm::f16}, {16, 0, ScaleForm::bf16}};

std::string name_of(PackedFormat format) {
  return format.form == ScaleForm::f32 ? "f32" : format.form == ScaleForm::f16 ? "f16" : "bf16";
}

// A matrix of one of the types as a file has it, its values, and its panels.
struct Weights {
  Weights(std::mt19937& random, PackedFormat format, std::size_t n, std::size_t k)
      : packed(format, n, k), values(n * k) {
    std::normal_distribution<float> normal(0, 0.1f);
    const std::size_t size = format.bits / 8;
    std::vector<std::byte> file(n * k * size);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float x = normal(random);
      const std::uint16_t half = format.form == ScaleForm::f16 ? f32_to_f16(x) : f32_to_bf16(x);
      values[i] =
          size == 4 ? x : (format.form == ScaleForm::f16 ? f16_to_f32(half) : bf16_to_f32(half));
      std::memcpy(&file[i * size], size == 4 ? static_cast<const void*>(&x) : &half, size);
    }
    for (std::size_t panel = 0; panel < packed.panel_count(); ++panel) {
      for (std::size_t block = 0; block < k / kPackedBlock; ++block) {
        FloatRows rows = {};
        for (std::size_t lane = 0; lane < kPackedLanes && panel * kPackedLanes + lane < n; ++lane)
          rows[lane] = &file[((panel * kPackedLanes + lane) * k + block * kPackedBlock) * size];
        packed.put(panel, block, rows);
      }
    }
  }

  PackedWeights packed;
  std::vector<float> values;
};

class PackedFloatsTest : public testing::TestWithParam<std::string> {
 protected:
  // Some values much greater than the others, as real activations have.
  std::vector<float> activations(std::size_t n) {
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = normal(random_) * (i % 97 == 5 ? 40.0f : 1.0f);
    return out;
  }

  const Table& table_ = *find(GetParam()).value();
  std::mt19937 random_{kSeed};
  SerialParallel serial_;
};

INSTANTIATE_TEST_SUITE_P(Tables, PackedFloatsTest, testing::ValuesIn(available()),
                         [](const auto& named) { return named.param; });

TEST(PackedFloats, KeepEveryBit) {
  std::mt19937 random(kSeed);
  for (const PackedFormat format : kFloats) {
    const std::size_t n = 21, k = 96;
    const Weights weights(random, format, n, k);
    for (std::size_t row = 0; row < n; ++row) {
      const PackedRow got(weights.packed.panels(), row);
      for (std::size_t i = 0; i < k; ++i)
        ASSERT_EQ(got.value(i), weights.values[row * k + i]) << name_of(format) << row << ' ' << i;
    }
    for (std::size_t row = n; row < 32; ++row)
      EXPECT_EQ(PackedRow(weights.packed.panels(), row).value(k - 1), 0.0f);
  }
}

// The same chain of multiply-adds, whatever the number of rows, and so for a row alone.
TEST_P(PackedFloatsTest, ProductsHaveTheBitsOfThoseOfF32Values) {
  PackBuffer buffer;
  for (const PackedFormat format : kFloats) {
    for (const std::size_t n : {5u, 75u, 200u}) {
      const std::size_t k = 416;
      const Weights weights(random_, format, n, k);
      for (const std::size_t m : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 13u, 16u, 17u, 40u}) {
        const auto a = activations(m * k), start = activations(m * n);
        for (const bool accumulate : {false, true}) {
          std::vector<float> packed = start, plain = start;
          multiply(table_, {{a.data(), k, 1}, m, k, n, packed.data(), n, accumulate},
                   weights.packed.panels(), serial_);
          multiply_unpacked(table_, {{a.data(), k, 1}, m, k, n, plain.data(), n, accumulate},
                            {weights.values.data(), 1, k}, buffer, serial_);
          ASSERT_EQ(packed, plain) << name_of(format) << ", " << m << " rows, " << n << " columns";
        }
      }
    }
  }
}

TEST_P(PackedFloatsTest, HowWeightsAreReadChangesNoBit) {
  const std::size_t n = 19 * kPackedLanes + 5, k = 64;
  for (const PackedFormat format : kFloats) {
    const Weights weights(random_, format, n, k);
    for (const std::size_t m : {1u, 2u, 3u, 6u, 13u}) {
      const auto a = activations(m * k), start = activations(m * n);
      const auto in_way = [&](ReadAhead way) {
        std::vector<float> c = start;
        table_.multiply_floats({{a.data(), k, 1}, m, k, n, c.data(), n, true, way},
                               weights.packed.panels());
        return c;
      };
      const auto want = in_way({});
      for (const ReadAhead& way : ways_of_reading())
        EXPECT_EQ(in_way(way), want) << m << " rows, " << way.streams << " streams";
    }
  }
}

// Rows of A that stand column by column.
TEST_P(PackedFloatsTest, ActivationsMayBeTransposed) {
  const std::size_t n = 40, k = 64, m = 7;
  const Weights weights(random_, kFloats[2], n, k);
  const auto a = activations(m * k);
  std::vector<float> turned(m * k), got(m * n), want(m * n);
  for (std::size_t r = 0; r < m; ++r) {
    for (std::size_t i = 0; i < k; ++i) turned[i * m + r] = a[r * k + i];
  }
  const PackedPanels panels = weights.packed.panels();
  multiply(table_, {{turned.data(), 1, m}, m, k, n, got.data(), n}, panels, serial_);
  multiply(table_, {{a.data(), k, 1}, m, k, n, want.data(), n}, panels, serial_);
  EXPECT_EQ(got, want);
}

// As the tiles of AMX take a value.
float rounded(float x) { return bf16_to_f32(f32_to_bf16(x)); }

// Weights of more bits than bf16 are rounded to it. An output is off by no more than k roundings of
// the sum of its terms' magnitudes. Two spans of rows, chunks of k and columns that are not whole.
TEST_P(PackedFloatsTest, ProductsOnTilesAreThoseOfBf16Values) {
  if (table_.multiply_tiles == nullptr) GTEST_SKIP() << "no tiles";
  const std::size_t n = 75, k = 768 + 512 + 32, m = 530;
  for (const PackedFormat format : kFloats) {
    const Weights weights(random_, format, n, k);
    const auto x = activations(m * k), start = activations(m * n);
    TiledBuffer a;
    a.resize(m, k);
    for (std::size_t i = 0; i < m; ++i) table_.tile_row(x.data() + i * k, i, a);
    for (const bool accumulate : {false, true}) {
      std::vector<float> got = start;
      multiply(table_, {{}, m, k, n, got.data(), n, accumulate}, a, weights.packed.panels(),
               serial_);
      for (const std::size_t row : {0u, 15u, 16u, 511u, 512u, 529u}) {
        for (std::size_t column = 0; column < n; ++column) {
          double sum = accumulate ? start[row * n + column] : 0, magnitude = std::fabs(sum);
          for (std::size_t i = 0; i < k; ++i) {
            const double term =
                double{rounded(x[row * k + i])} * rounded(weights.values[column * k + i]);
            sum += term;
            magnitude += std::fabs(term);
          }
          ASSERT_NEAR(got[row * n + column], sum, static_cast<double>(k) * 0x1p-24 * magnitude)
              << name_of(format) << ", row " << row << ", column " << column;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lathe::kernels
