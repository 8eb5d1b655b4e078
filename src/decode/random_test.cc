#include "decode/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace lathe::decode {
namespace {

// The known answers that the authors publish with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t all = 0xffffffff;
  EXPECT_EQ(philox4x32({all, all, all, all}, {all, all}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Uniform, FillsTheUnitIntervalEvenly) {
  constexpr int kDraws = 100000;
  std::array<int, 10> buckets = {};
  for (int i = 0; i < kDraws; ++i) {
    const double u = uniform(42, static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++buckets[static_cast<std::size_t>(u * 10)];
  }
  double chi_square = 0;
  for (const int n : buckets) chi_square += std::pow(n - kDraws / 10, 2) / (kDraws / 10);
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom, one in a thousand
}

TEST(Uniform, DependsOnSeedAndStepAlone) {
  EXPECT_EQ(uniform(1, 2), uniform(1, 2));
  EXPECT_NE(uniform(1, 2), uniform(2, 1));
  EXPECT_NE(uniform(1, 2), uniform(1, 3));
  EXPECT_NE(uniform(1, 2), uniform(std::uint64_t{1} << 32 | 1, 2));
}

}  // namespace
}  // namespace lathe::decode
