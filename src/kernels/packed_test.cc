// Packed weights: what is put comes out, and every table's products equal the reference's.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/half.h"
#include "kernels/matmul.h"
#include "kernels/packed_row.h"
#include "kernels/read_tuner.h"
#include "kernels/ref/ref.h"

namespace lathe::kernels {
namespace {

constexpr PackedFormat kFormats[] = {
    {8, 128, ScaleForm::block},   {4, 8, ScaleForm::block},       {5, 16, ScaleForm::block},
    {4, 0, ScaleForm::block_min}, {5, 0, ScaleForm::block_min},   {4, 0, ScaleForm::super_min},
    {5, 0, ScaleForm::super_min}, {6, 32, ScaleForm::super16},    {4, 4, ScaleForm::super16},
    {8, 128, ScaleForm::super16}, {4, 0, ScaleForm::super16_min},
};

QuantBlock random_block(std::mt19937& random, PackedFormat format) {
  std::uniform_int_distribution<unsigned> value(0, (1u << format.bits) - 1), small(0, 255);
  std::uniform_real_distribution<float> scale(-0.1f, 0.1f);
  QuantBlock block;
  for (std::uint8_t& q : block.values) q = static_cast<std::uint8_t>(value(random));
  block.d = f32_to_f16(scale(random));
  if (has_minimum(format.form)) block.m = f32_to_f16(scale(random));
  if (!has_super_blocks(format.form)) return block;
  for (std::size_t h = 0; h < (has_two_halves(format.form) ? 2 : 1); ++h) {
    block.s[h] = static_cast<std::uint8_t>(small(random));
    if (has_minimum(format.form)) block.t[h] = static_cast<std::uint8_t>(small(random));
  }
  return block;
}

// Random weights; the f16 of eight blocks are one.
PackedWeights random_weights(std::mt19937& random, PackedFormat format, std::size_t n,
                             std::size_t k) {
  PackedWeights weights(format, n, k);
  QuantBlocks lanes;
  for (std::size_t panel = 0; panel < weights.panel_count(); ++panel) {
    for (std::size_t b = 0; b < k / kPackedBlock; ++b) {
      const QuantBlocks before = lanes;
      for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
        lanes[lane] = random_block(random, format);
        if (!has_super_blocks(format.form) || b % 8 == 0) continue;
        lanes[lane].d = before[lane].d;
        lanes[lane].m = before[lane].m;
      }
      weights.put(panel, b, lanes);
    }
  }
  return weights;
}

class PackedTest : public testing::TestWithParam<std::string> {
 protected:
  const Table& table_ = *find(GetParam()).value();
  const Table& ref_ = ref::table();
  std::mt19937 random_{20261125};
  SerialParallel serial_;

  // Some values much greater than the others, as real activations have.
  std::vector<float> activations(std::size_t n) {
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = normal(random_) * (i % 97 == 5 ? 40.0f : 1.0f);
    return out;
  }

  // Integer sums are exact. SSE4 has no fused multiply-add: there each of two links a block of 16
  // rounds twice.
  static void expect_reference(const std::vector<float>& got, const std::vector<float>& want,
                               std::size_t k) {
    if (GetParam() != "sse4") {
      EXPECT_EQ(got, want);
      return;
    }
    float largest = 0;
    for (const float value : want) largest = std::max(largest, std::fabs(value));
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], want[i], static_cast<float>(k / 4) * 0x1p-24f * largest) << i;
  }
};

INSTANTIATE_TEST_SUITE_P(Tables, PackedTest, testing::ValuesIn(available()),
                         [](const auto& named) { return named.param; });

// x[rows, k] in 8 bits, by the table.
QuantisedBuffer in_eight_bits(const Table& table, const std::vector<float>& x, std::size_t k) {
  QuantisedBuffer buffer;
  buffer.resize(x.size() / k, k);
  for (std::size_t i = 0; i * k < x.size(); ++i)
    table.quantise_row(x.data() + i * k, k, buffer.row(i));
  return buffer;
}

TEST(PackedWeights, GiveBackWhatWasPut) {
  std::mt19937 random(7);
  for (const PackedFormat format : kFormats) {
    PackedWeights weights(format, 30, 256);
    for (std::size_t b = 0; b < 8; ++b) {
      QuantBlocks lanes;
      for (QuantBlock& lane : lanes) lane = random_block(random, format);
      weights.put(1, b, lanes);
      const QuantBlocks got = weights.get(1, b);
      for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
        EXPECT_EQ(got[lane].values, lanes[lane].values);
        EXPECT_EQ(got[lane].d, lanes[lane].d);
        EXPECT_EQ(got[lane].m, lanes[lane].m);
        EXPECT_EQ(got[lane].s, lanes[lane].s);
        EXPECT_EQ(got[lane].t, lanes[lane].t);
      }
    }
  }
}

TEST_P(PackedTest, ExactProductsHaveTheBitsOfThoseOfF32Values) {
  PackBuffer buffer;
  const std::size_t n = 75, k = 512;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    std::vector<float> values(n * k);
    for (std::size_t row = 0; row < n; ++row) {
      const PackedRow packed(weights.panels(), row);
      for (std::size_t i = 0; i < k; ++i) values[row * k + i] = packed.value(i);
    }
    for (const std::size_t m : {1u, 6u, 40u}) {
      const auto a = activations(m * k);
      std::vector<float> packed(m * n), plain(m * n);
      multiply(table_, {{a.data(), k, 1}, m, k, n, packed.data(), n}, weights.panels(), serial_);
      multiply_unpacked(table_, {{a.data(), k, 1}, m, k, n, plain.data(), n}, {values.data(), 1, k},
                        buffer, serial_);
      EXPECT_EQ(packed, plain) << int{format.bits} << " bits";
    }
  }
}

TEST_P(PackedTest, ActivationsInEightBitsEqualTheReference) {
  auto x = activations(320);
  std::fill_n(x.begin(), 32, 0.0f);                                  // a block of zeros
  for (const std::size_t k : {std::size_t{320}, std::size_t{64}}) {  // 1 row, 5 rows
    const QuantisedBuffer got_rows = in_eight_bits(table_, x, k);
    const QuantisedBuffer want_rows = in_eight_bits(ref_, x, k);
    for (std::size_t at = 0; at < x.size() / 32; ++at) {
      const QuantisedRows got = got_rows.rows().from(at / (k / 32), at % (k / 32));
      const QuantisedRows want = want_rows.rows().from(at / (k / 32), at % (k / 32));
      EXPECT_TRUE(std::equal(got.values, got.values + 32, want.values));
      EXPECT_EQ(*got.scales, *want.scales);
      EXPECT_EQ(got.half_sums[0], want.half_sums[0]);
      EXPECT_EQ(got.half_sums[got.group], want.half_sums[want.group]);
      EXPECT_EQ(*got.block_sums, *want.block_sums);
    }
  }
}

TEST_P(PackedTest, IntegerProductsEqualTheReference) {
  const std::size_t n = 75, k = 512;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    for (const std::size_t m : {2u, 5u, 19u}) {  // less than a tile of rows, and a rest of one
      SCOPED_TRACE(testing::Message() << int{format.bits} << " bits, " << m << " rows");
      const auto start = activations(m * n);
      const QuantisedBuffer a = in_eight_bits(ref_, activations(m * k), k);
      for (const bool accumulate : {false, true}) {
        std::vector<float> got = start, want = start;
        multiply(table_, {{}, m, k, n, got.data(), n, accumulate}, a.rows(), weights.panels(),
                 serial_);
        multiply(ref_, {{}, m, k, n, want.data(), n, accumulate}, a.rows(), weights.panels(),
                 serial_);
        expect_reference(got, want, k);
      }
    }
  }
}

// Where products are added in 16 bits, these fill them: every weight the least or the greatest,
// every activation 127 or -127.
TEST_P(PackedTest, TheGreatestIntegersDoNotOverflow) {
  const std::size_t n = kPackedLanes, k = 256, m = 3;
  std::vector<float> x(m * k, 1.0f);
  std::fill_n(x.begin() + k, k, -1.0f);
  for (std::size_t i = 0; i < k; i += 2) x[2 * k + i] = -1.0f;
  const QuantisedBuffer a = in_eight_bits(ref_, x, k);
  for (const PackedFormat format : kFormats) {
    SCOPED_TRACE(testing::Message() << int{format.bits} << " bits");
    PackedWeights weights(format, n, k);
    QuantBlocks lanes;
    for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
      lanes[lane] = random_block(random_, format);
      const unsigned greatest = (1u << format.bits) - 1;
      for (std::size_t i = 0; i < kPackedBlock; ++i)
        lanes[lane].values[i] = static_cast<std::uint8_t>((lane + i * (lane / 8)) % 2 * greatest);
    }
    for (std::size_t b = 0; b < k / kPackedBlock; ++b) weights.put(0, b, lanes);
    std::vector<float> got(m * n), want(m * n);
    multiply(table_, {{}, m, k, n, got.data(), n}, a.rows(), weights.panels(), serial_);
    multiply(ref_, {{}, m, k, n, want.data(), n}, a.rows(), weights.panels(), serial_);
    expect_reference(got, want, k);
  }
}

TEST_P(PackedTest, ARowAloneGivesTheBitsItGivesInABatch) {
  const std::size_t n = 48, k = 256, m = 251;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    const auto x = activations(m * k);
    const QuantisedBuffer all = in_eight_bits(table_, x, k);
    std::vector<float> together(m * n);
    multiply(table_, {{}, m, k, n, together.data(), n}, all.rows(), weights.panels(), serial_);
    for (const std::size_t row : {0u, 7u, 8u, 240u, 250u}) {
      const std::vector<float> one(x.begin() + static_cast<long>(row * k),
                                   x.begin() + static_cast<long>((row + 1) * k));
      const QuantisedBuffer alone = in_eight_bits(table_, one, k);
      std::vector<float> got(n);
      multiply(table_, {{}, 1, k, n, got.data(), n}, alone.rows(), weights.panels(), serial_);
      EXPECT_EQ(got, std::vector<float>(together.begin() + static_cast<long>(row * n),
                                        together.begin() + static_cast<long>((row + 1) * n)));
    }
  }
}

// Says that it is so many threads, and does the tasks from the last to the first.
class Backwards final : public Parallel {
 public:
  explicit Backwards(std::size_t width) : width_(width) {}
  std::size_t width() const override { return width_; }
  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) override {
    while (tasks > 0) body(--tasks);
  }

 private:
  std::size_t width_;
};

TEST_P(PackedTest, ProductsSideBySideGiveTheBitsOfEach) {
  const std::size_t k = 256, columns[] = {300, 7, 1000, 64};
  std::vector<PackedWeights> weights;
  for (std::size_t i = 0; i < std::size(columns); ++i)
    weights.push_back(random_weights(random_, kFormats[i % std::size(kFormats)], columns[i], k));
  for (const std::size_t rows : {1u, 5u, 251u}) {
    if (rows > 5 && GetParam() == "ref") continue;  // the plain loops take seconds
    const QuantisedBuffer a = in_eight_bits(table_, activations(rows * k), k);
    std::vector<std::vector<float>> start;
    for (const std::size_t n : columns) start.push_back(activations(rows * n));
    const auto products_into = [&](std::vector<std::vector<float>>& c) {
      std::vector<PackedProduct> products;
      for (std::size_t i = 0; i < c.size(); ++i)
        products.push_back(
            {{{}, rows, k, columns[i], c[i].data(), columns[i], i % 2 == 1}, weights[i].panels()});
      return products;
    };
    auto want = start;
    for (const auto& [product, panels] : products_into(want))
      multiply(table_, product, a.rows(), panels, serial_);
    for (const std::size_t width : {1u, 2u, 3u, 7u, 64u}) {
      auto got = start;
      Backwards parallel(width);
      multiply(table_, products_into(got), a.rows(), parallel);
      EXPECT_EQ(got, want) << rows << " rows, " << width << " threads";
    }
  }
}

TEST_P(PackedTest, HowWeightsAreReadChangesNoBit) {
  const std::size_t n = 19 * kPackedLanes + 5, k = 256;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    for (const std::size_t rows : {1u, 2u, 4u, 5u, 8u, 12u, 16u}) {
      const QuantisedBuffer a = in_eight_bits(table_, activations(rows * k), k);
      const auto start = activations(rows * n);
      const auto in_way = [&](ReadAhead way) {
        std::vector<float> c = start;
        const auto kernel = rows == 1 ? table_.multiply_row : table_.multiply_packed;
        kernel({a.rows(), rows, n, c.data(), n, true, way}, weights.panels());
        return c;
      };
      const auto want = in_way({});
      for (const ReadAhead& way : ways_of_reading())
        EXPECT_EQ(in_way(way), want) << rows << " rows, " << way.streams << " streams";
    }
  }
}

// A step of a block is its greatest magnitude over 127; rounding is half a step at most, so that an
// output is off by no more than half a step times the sum of the block's weights' magnitudes.
TEST_P(PackedTest, IntegerProductsAreAsNearAsEightBitsAllow) {
  const std::size_t n = 32, k = 512, m = 3;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    const auto x = activations(m * k);
    const QuantisedBuffer a = in_eight_bits(table_, x, k);
    std::vector<float> got(m * n);
    multiply(table_, {{}, m, k, n, got.data(), n}, a.rows(), weights.panels(), serial_);
    for (std::size_t r = 0; r < m; ++r) {
      for (std::size_t row = 0; row < n; ++row) {
        const PackedRow w(weights.panels(), row);
        double exact = 0, bound = 1e-3;
        for (std::size_t i = 0; i < k; ++i) {
          const double value = w.value(i);
          exact += value * x[r * k + i];
          // 1e-5: the f32 chain, relative to its terms.
          bound += std::fabs(value) *
                   (0.501 * *a.rows().from(r, i / 32).scales + 1e-5 * std::fabs(x[r * k + i]));
        }
        ASSERT_NEAR(got[r * n + row], exact, bound);
      }
    }
  }
}

float in_bf16(float x) { return bf16_to_f32(f32_to_bf16(x)); }

// Products and their sums are f32: an output is off by no more than k roundings of the sum of its
// terms' magnitudes. A weight with a minimum may be rounded to bf16 from a value that is 2^-16 of
// its scale off, and so once in hundreds to the neighbour: far less than that in a sum of k. Two
// spans of rows, chunks of k that are not whole, and columns that are not.
TEST_P(PackedTest, ProductsOnTilesAreThoseOfBf16Values) {
  if (table_.multiply_tiles == nullptr) GTEST_SKIP() << "no tiles";
  const std::size_t n = 75, k = 768 + 512, m = 530;
  for (const PackedFormat format : kFormats) {
    const PackedWeights weights = random_weights(random_, format, n, k);
    const auto x = activations(m * k);
    const auto start = activations(m * n);
    TiledBuffer a;
    a.resize(m, k);
    for (std::size_t i = 0; i < m; ++i) table_.tile_row(x.data() + i * k, i, a);
    for (const bool accumulate : {false, true}) {
      std::vector<float> got = start;
      multiply(table_, {{}, m, k, n, got.data(), n, accumulate}, a, weights.panels(), serial_);
      for (const std::size_t row : {0u, 15u, 16u, 511u, 512u, 529u}) {
        for (std::size_t column = 0; column < n; ++column) {
          const PackedRow w(weights.panels(), column);
          double sum = accumulate ? start[row * n + column] : 0, magnitude = std::fabs(sum);
          for (std::size_t i = 0; i < k; ++i) {
            const double term = double{in_bf16(x[row * k + i])} * in_bf16(w.value(i));
            sum += term;
            magnitude += std::fabs(term);
          }
          ASSERT_NEAR(got[row * n + column], sum, static_cast<double>(k) * 0x1p-24 * magnitude)
              << int{format.bits} << " bits, row " << row << ", column " << column;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lathe::kernels
