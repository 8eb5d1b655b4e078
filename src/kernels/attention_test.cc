// Tiles of keys and values, and attention over them: every table against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/ref/ref.h"
#include "kernels/table.h"

namespace lathe::kernels {
namespace {

constexpr float kHalfUlp = 0x1p-24f;  // of 1
constexpr std::size_t kHeads = 2;     // kv heads in a page; the second one is attended to

struct Case {
  std::size_t head_dim, queries, first, end;
};

// Pages with random positions of two kv heads, written by the reference.
class Pages {
 public:
  Pages(KvType type, std::size_t head_dim, std::size_t positions, std::mt19937& random)
      : tile_bytes_(kv_tile_bytes(type, head_dim)) {
    const std::size_t count = (positions + kKvTile - 1) / kKvTile;
    memory_.resize(count * page_bytes());
    for (std::size_t i = count; i-- > 0;)  // in reverse, so that their order matters
      pages_.push_back(memory_.data() + i * page_bytes());
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> rows(kKvTile * head_dim);
    for (std::byte* page : pages_) {
      for (std::size_t tile = 0; tile < 2 * kHeads; ++tile) {
        for (float& x : rows) x = normal(random);
        const KvRows all = {type, head_dim, rows.data(), head_dim, 0, kKvTile};
        const auto write = tile < kHeads ? ref::table().write_keys : ref::table().write_values;
        write(all, page + tile * tile_bytes_);
      }
    }
  }

  KvTiles keys() const { return {pages_.data(), tile_bytes_}; }
  KvTiles values() const { return {pages_.data(), (kHeads + 1) * tile_bytes_}; }

 private:
  std::size_t page_bytes() const { return 2 * kHeads * tile_bytes_; }

  std::size_t tile_bytes_;
  std::vector<std::byte> memory_;
  std::vector<std::byte*> pages_;
};

class AttentionTest : public testing::TestWithParam<std::string> {
 protected:
  const Table& table_ = *find(GetParam()).value();
  const Table& ref_ = ref::table();
  std::mt19937 random_{20261128};

  std::vector<float> normals(std::size_t n, float deviation = 1) {
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> out(n);
    for (float& x : out) x = normal(random_);
    return out;
  }

  struct Result {
    std::vector<float> mixed;  // [queries, head_dim], divided by the sums
    std::vector<float> largest, sum;
  };

  static Result attend(const Table& table, AttendPart part) {
    std::vector<float> scores(part.score_floats());
    Result r = {std::vector<float>(part.queries * part.head_dim), std::vector<float>(part.queries),
                std::vector<float>(part.queries)};
    part.scores = scores.data();
    part.out = r.mixed.data();
    part.largest = r.largest.data();
    part.sum = r.sum.data();
    table.attend(part);
    for (std::size_t i = 0; i < r.mixed.size(); ++i) r.mixed[i] /= r.sum[i / part.head_dim];
    return r;
  }

  // A score is a sum of head_dim products: it errs by head_dim half units of the products' sum of
  // magnitudes, which Cauchy bounds by |q| |k|; its weight errs by as much, twice for the sum's; a
  // mixed value is a sum of `count` weighed ones.
  void expect_near_reference(const AttendPart& part) {
    const Result got = attend(table_, part), want = attend(ref_, part);
    const auto dim = static_cast<float>(part.head_dim);
    const float magnitude = part.scale * dim * 4;  // |q| |k| of normals, plentifully
    const float of_score = (dim + 8) * kHalfUlp * (magnitude + 4);
    const auto count = static_cast<float>(part.end - part.first);
    const float of_mixed = 5 * (2 * of_score + (count + 8) * kHalfUlp);
    for (std::size_t i = 0; i < got.mixed.size(); ++i)
      ASSERT_NEAR(got.mixed[i], want.mixed[i], of_mixed) << i;
    for (std::size_t q = 0; q < part.queries; ++q) {
      ASSERT_NEAR(got.largest[q], want.largest[q], of_score);
      ASSERT_NEAR(got.sum[q], want.sum[q], want.sum[q] * (2 * of_score + count * kHalfUlp));
    }
  }

  void check(KvType type, const Case& c) {
    SCOPED_TRACE(testing::Message()
                 << "type " << static_cast<int>(type) << " dim " << c.head_dim << " queries "
                 << c.queries << " positions " << c.first << ".." << c.end);
    const Pages pages(type, c.head_dim, c.end, random_);
    const auto query = normals(c.queries * c.head_dim), bias = normals(c.queries * c.end);
    AttendPart part;
    part.type = type;
    part.head_dim = c.head_dim;
    part.keys = pages.keys();
    part.values = pages.values();
    part.first = c.first;
    part.end = c.end;
    part.queries = c.queries;
    part.query = query.data();
    part.scale = 0.25f;
    expect_near_reference(part);
    part.bias = bias.data();
    part.bias_stride = c.end;
    expect_near_reference(part);
    part.softcap = 1.5f;
    expect_near_reference(part);
  }
};

INSTANTIATE_TEST_SUITE_P(Tables, AttentionTest, testing::ValuesIn(available()),
                         [](const auto& named) { return named.param; });

TEST_P(AttentionTest, APartEqualsTheReference) {
  for (const KvType type : kKvTypes) {
    for (const Case& c : {Case{64, 4, 0, 100},
                          {64, 7, 0, 1},
                          {24, 1, 3, 17},
                          {20, 2, 0, 15},
                          {80, 3, 5, 33},
                          {128, 5, 0, 16},
                          {7, 8, 16, 40},
                          {64, 4, 1024, 1100},
                          {64, 4, 1030, 2048},
                          {256, 1, 0, 1024}}) {
      ASSERT_NO_FATAL_FAILURE(check(type, c));
    }
  }
}

TEST_P(AttentionTest, TilesAreWrittenAsTheReferenceWritesThem) {
  for (const KvType type : kKvTypes) {
    for (const std::size_t head_dim : {7u, 16u, 20u, 64u, 80u}) {
      auto rows = normals(kKvTile * (head_dim + 3), 4);
      rows[1] = 1e6f;  // beyond f16
      rows[2] = -1e9f;
      rows[3] = 1e-7f;  // below its normal numbers
      std::fill_n(rows.data() + 3 * (head_dim + 3), head_dim, 0.0f);
      std::vector<std::byte> a(kv_tile_bytes(type, head_dim)), b(a.size());
      for (const auto& [lane, count] : {std::pair{5u, 1u}, {0u, 5u}, {6u, 10u}}) {
        const KvRows some = {type, head_dim, rows.data(), head_dim + 3, lane, count};
        table_.write_keys(some, a.data());
        ref_.write_keys(some, b.data());
        ASSERT_EQ(a, b) << "keys, type " << static_cast<int>(type) << " dim " << head_dim;
      }
      for (const auto& [lane, count] : {std::pair{15u, 1u}, {0u, 16u}}) {
        const KvRows some = {type, head_dim, rows.data(), head_dim + 3, lane, count};
        table_.write_values(some, a.data());
        ref_.write_values(some, b.data());
        ASSERT_EQ(a, b) << "values, type " << static_cast<int>(type) << " dim " << head_dim;
      }
    }
  }
}

TEST_P(AttentionTest, TilesAreReadAsTheReferenceReadsThem) {
  for (const KvType type : kKvTypes) {
    for (const std::size_t head_dim : {7u, 20u, 64u}) {
      const Pages pages(type, head_dim, kKvTile, random_);
      std::vector<float> a(20 * head_dim), b(20 * head_dim);
      table_.read_keys({type, head_dim, pages.keys().tile(0)}, 20, a.data());
      ref_.read_keys({type, head_dim, pages.keys().tile(0)}, 20, b.data());
      ASSERT_EQ(a, b);
      a.resize(kKvTile * (head_dim + 1)), b.resize(a.size());
      table_.read_values({type, head_dim, pages.values().tile(0)}, head_dim + 1, a.data());
      ref_.read_values({type, head_dim, pages.values().tile(0)}, head_dim + 1, b.data());
      ASSERT_EQ(a, b);
    }
  }
}

TEST(KvTiles, WhatIsReadIsNearWhatWasWritten) {
  std::mt19937 random(20261128);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> rows(kKvTile * 64), read(rows.size());
  for (float& x : rows) x = normal(random);
  for (const KvType type : kKvTypes) {
    std::vector<std::byte> tile(kv_tile_bytes(type, 64));
    ref::table().write_values({type, 64, rows.data(), 64, 0, kKvTile}, tile.data());
    ref::table().read_values({type, 64, tile.data()}, 64, read.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float greatest = 0;
      for (std::size_t j = 0; j < 64; ++j)
        greatest = std::max(greatest, std::fabs(rows[i / 64 * 64 + j]));
      const float step = type == KvType::f32   ? 0.0f
                         : type == KvType::f16 ? std::max(std::fabs(rows[i]) * 0x1p-11f, 0x1p-25f)
                                               : greatest / 127 * 0.501f;
      ASSERT_NEAR(read[i], rows[i], step) << i;
    }
  }
}

}  // namespace
}  // namespace lathe::kernels
