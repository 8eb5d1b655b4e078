// Tiles of keys and values, and attention over them: every table against the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/ref/ref.h"
#include "kernels/scratch.h"
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

// A prompt's block on tiles. Queries, keys and values are chosen so that bf16 says them exactly;
// weights are rounded by 2^-9 of themselves, and the exponential by 2^-13.
class AttendTilesTest : public AttentionTest {
 protected:
  static constexpr float kGreatest = 127.0f / 32;

  std::vector<float> short_numbers(std::size_t n) {
    std::vector<float> out = normals(n);
    for (float& x : out) x = std::clamp(std::round(x * 32) / 32, -kGreatest, kGreatest);
    return out;
  }

  struct Prompt {
    KvType type = KvType::f16;
    std::size_t head_dim = 64, queries = 4, length = 300, window = 0;
    float softcap = 0;
    bool biased = false;
  };

  // One kv head's tiles, with what is no number past the end, and the queries.
  struct Made {
    std::vector<std::byte> memory;
    std::vector<std::byte*> pages;
    std::vector<float> query, bias;
    AttendBlock block;
  };

  Made make(const Prompt& p) {
    const std::size_t tile = kv_tile_bytes(p.type, p.head_dim);
    const std::size_t tiles = (p.length + kKvTile - 1) / kKvTile;
    Made made;
    made.memory.assign(2 * tiles * tile, std::byte{0xff});
    made.query = short_numbers(p.length * p.queries * p.head_dim);
    made.bias = normals(p.queries * p.length);
    for (std::size_t i = 0; i < tiles; ++i) {
      made.pages.push_back(made.memory.data() + 2 * (tiles - 1 - i) * tile);
      const auto rows = short_numbers(kKvTile * p.head_dim);
      const KvRows some = {p.type,     p.head_dim, rows.data(),
                           p.head_dim, 0,          std::min(kKvTile, p.length - i * kKvTile)};
      ref_.write_keys(some, made.pages.back());
      ref_.write_values(some, made.pages.back() + tile);
    }
    AttendBlock& b = made.block;
    b.type = p.type;
    b.head_dim = p.head_dim;
    b.keys = {made.pages.data(), 0};
    b.values = {made.pages.data(), tile};
    b.window = p.window;
    b.queries = p.queries;
    b.stride = p.queries * p.head_dim;
    b.scale = 0.125f;
    b.softcap = p.softcap;
    b.bias = p.biased ? made.bias.data() : nullptr;
    b.bias_stride = p.length;
    return made;
  }

  // Block by block.
  std::vector<float> attend_blocks(const Made& made, std::size_t length, std::size_t rows) {
    std::vector<float> out(made.query.size());
    Scratch<float> memory;
    for (std::size_t i = 0; i < length; i += rows) {
      AttendBlock block = made.block;
      block.position = i;
      block.rows = std::min(rows, length - i);
      block.query = made.query.data() + i * block.stride;
      block.out = out.data() + i * block.stride;
      table_.attend_tiles(block, memory.take(AttendScratch(block, nullptr).floats()));
    }
    return out;
  }

  std::vector<float> reference(const Made& made, std::size_t length) {
    std::vector<float> out;
    const AttendBlock& b = made.block;
    for (std::size_t position = 0; position < length; ++position) {
      AttendPart part;
      part.type = b.type;
      part.head_dim = b.head_dim;
      part.keys = b.keys;
      part.values = b.values;
      part.first = b.first_seen(position);
      part.end = position + 1;
      part.queries = b.queries;
      part.query = made.query.data() + position * b.stride;
      part.scale = b.scale;
      part.softcap = b.softcap;
      part.bias = b.bias;
      part.bias_stride = b.bias_stride;
      const Result row = attend(ref_, part);
      out.insert(out.end(), row.mixed.begin(), row.mixed.end());
    }
    return out;
  }

  void check(const Prompt& p) {
    SCOPED_TRACE(testing::Message() << "type " << static_cast<int>(p.type) << " dim " << p.head_dim
                                    << " queries " << p.queries << " window " << p.window);
    const Made made = make(p);
    const std::vector<float> whole = attend_blocks(made, p.length, 64);
    const std::vector<float> want = reference(made, p.length);
    // Keys and values of 8 bits are not short numbers: a value is rounded by 2^-9 of itself, and a
    // score of products of size 1 by 2^-9 of their number at most.
    const bool is_short = p.type != KvType::int8;
    const float of_score = made.block.scale * static_cast<float>(p.head_dim) * 0x1p-9f;
    const float tolerance =
        kGreatest * (0x1p-9f + 0x1p-12f + (is_short ? 0 : 0x1p-9f + 2 * of_score));
    for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(whole[i], want[i], tolerance) << i;
    for (const std::size_t rows : {1u, 16u, 37u, 200u})
      ASSERT_EQ(attend_blocks(made, p.length, rows), whole) << "blocks of " << rows;
  }
};

INSTANTIATE_TEST_SUITE_P(Tables, AttendTilesTest, testing::ValuesIn(available()),
                         [](const auto& named) { return named.param; });

TEST_P(AttendTilesTest, ABlockEqualsTheReferenceHoweverAPromptIsCut) {
  if (table_.attend_tiles == nullptr) GTEST_SKIP() << "no tiles";
  for (const KvType type : kKvTypes) {
    for (const std::size_t head_dim : {7u, 20u, 64u, 80u, 128u}) {
      ASSERT_NO_FATAL_FAILURE(check({.type = type, .head_dim = head_dim, .queries = 2}));
    }
  }
  for (const std::size_t window : {1u, 17u, 100u, 250u})
    ASSERT_NO_FATAL_FAILURE(check({.window = window}));
  ASSERT_NO_FATAL_FAILURE(check({.queries = 7, .length = 129}));
  ASSERT_NO_FATAL_FAILURE(check({.queries = 1, .softcap = 2}));
  ASSERT_NO_FATAL_FAILURE(check({.biased = true}));
  ASSERT_NO_FATAL_FAILURE(check({.window = 40, .softcap = 2, .biased = true}));
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
