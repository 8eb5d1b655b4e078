#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "os/thread_pool.h"
#include "tensor/quantize.h"

namespace lathe::tensor {
namespace {

class Kept final : public os::FileWriter {
 public:
  using FileWriter::write;
  Status write(std::span<const std::byte> bytes) override {
    all.insert(all.end(), bytes.begin(), bytes.end());
    return {};
  }
  std::uint64_t offset() const override { return all.size(); }
  std::vector<std::byte> all;
};

std::vector<float> normals(std::size_t count) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

// More than one piece, and a last one that is short.
TEST(Convert, IsTheSameInPiecesOnAnyNumberOfThreads) {
  const std::vector<float> values = normals((std::size_t{1} << 19) + 256 * 3);
  const TensorView view = view_of(values, {static_cast<std::int64_t>(values.size() / 256), 256});
  os::ThreadPool pool(3);
  SerialParallel serial;
  for (const DType to : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0}) {
    Kept one, many;
    ASSERT_TRUE(convert(view, to, serial, one).ok());
    ASSERT_TRUE(convert(view, to, pool, many).ok());
    EXPECT_EQ(one.all, many.all);
    EXPECT_EQ(one.all.size(), *byte_size(to, values.size()));
    if (!is_block_type(to)) continue;
    EXPECT_EQ(one.all, quantize(to, values));
  }
}

TEST(Convert, WideningKeepsEveryValue) {
  const std::vector<float> values = normals(512);
  SerialParallel serial;
  for (const DType narrow : {DType::f16, DType::bf16, DType::q8_0}) {
    Kept first, wide, again;
    ASSERT_TRUE(convert(view_of(values, {2, 256}), narrow, serial, first).ok());
    const TensorView stored{narrow, {2, 256}, first.all};
    ASSERT_TRUE(convert(stored, DType::f32, serial, wide).ok());
    const TensorView back{DType::f32, {2, 256}, wide.all};
    EXPECT_EQ(to_f32(back).value(), to_f32(stored).value());
    if (is_block_type(narrow)) continue;
    EXPECT_TRUE(says_exactly(back, narrow));
    ASSERT_TRUE(convert(back, narrow, serial, again).ok());
    EXPECT_EQ(again.all, first.all);
  }
  EXPECT_FALSE(says_exactly(view_of(values, {512}), DType::bf16));
}

TEST(Convert, ValuesThatTheTypeCannotSayAreErrors) {
  SerialParallel serial;
  std::vector<float> values = normals(256);
  values[9] = 1e6f;
  Kept out;
  const Status large = convert(view_of(values, {256}), DType::f16, serial, out);
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message().find("too large for f16"), std::string::npos);
  EXPECT_TRUE(convert(view_of(values, {256}), DType::bf16, serial, out).ok());
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    values[9] = bad;
    for (const DType to : {DType::q8_0, DType::q4_0, DType::q4_k, DType::q6_k}) {
      const Status refused = convert(view_of(values, {256}), to, serial, out);
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    }
    EXPECT_TRUE(convert(view_of(values, {256}), DType::f16, serial, out).ok());  // f16 has them
  }
}

}  // namespace
}  // namespace lathe::tensor
