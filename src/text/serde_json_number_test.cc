#include "text/serde_json_number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>

namespace lathe::text {
namespace {

// 9550881641640137 is no double: rounded, then divided, it is one unit beside the nearest double.
TEST(SerdeJsonNumber, RoundsTheDigitsBeforeItDivides) {
  EXPECT_EQ(as_serde_json_reads(-9.550881641640137), -(9550881641640136.0 / 1e15));
  EXPECT_NE(as_serde_json_reads(-9.550881641640137), -9.550881641640137);
}

TEST(SerdeJsonNumber, ShortNumbersAreWhatTheyAre) {
  for (const double value : {0.0, 1.0, -0.5, -8.43675773357003, 1e-5, 3e300, 1e22, 100.0})
    EXPECT_EQ(as_serde_json_reads(value), value);
  EXPECT_TRUE(std::signbit(as_serde_json_reads(-0.0)));
}

TEST(SerdeJsonNumber, WhatIsWrittenReadsBackToItself) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> scores(-20, 0);
  for (int i = 0; i < 10'000; ++i) {
    const double read = as_serde_json_reads(scores(random));
    EXPECT_EQ(as_serde_json_reads(for_serde_json_to_read(read)), read);
    const double single = static_cast<float>(read);  // what GGUF and tokenizer.model hold
    EXPECT_NEAR(as_serde_json_reads(for_serde_json_to_read(single)), single, 1e-14);
  }
}

}  // namespace
}  // namespace lathe::text
