// Attention over pages: blocks of rows give what rows alone do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

using kernels::KvType;

class AttentionCachedTest : public testing::Test {
 protected:
  // Of so few bits that f16 and bf16 say them exactly.
  std::vector<float> normals(std::size_t n) {
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> out(n);
    for (float& x : out) x = std::clamp(std::round(normal(random_) * 32) / 32, -kMost, kMost);
    return out;
  }

  // Two sequences, the second of them with positions in the cache already.
  std::vector<float> attend(const Heads& heads, Activations activations) {
    random_.seed(20261128);
    tensor::Arena arena;
    SerialParallel serial;
    ops::Run run(kernels::active(), serial, arena);
    run.activations = activations;
    const std::size_t width = heads.kv_count * heads.dim, pages = 13, start = 67;
    const std::size_t page = 2 * heads.kv_count * kernels::kv_tile_bytes(KvType::f16, heads.dim);
    std::vector<std::byte> memory(2 * pages * page);
    std::vector<std::byte*> at;
    for (std::size_t i = 2 * pages; i-- > 0;) at.push_back(&memory[i * page]);
    const std::size_t rows = 201;
    auto q = normals((rows + start) * heads.count * heads.dim), k = normals((rows + start) * width),
         v = normals((rows + start) * width);
    const auto pass = [&](const std::vector<CachedRows>& sequences, std::size_t first,
                          std::size_t count) {
      return attention_cached(run,
                              {&q[first * heads.count * heads.dim], count, heads.count * heads.dim},
                              {&k[first * width], count, width}, {&v[first * width], count, width},
                              heads, sequences, KvType::f16);
    };
    pass({{0, start, 0, at.data() + pages, 0}}, rows, start);
    const Value out =
        pass({{0, 70, 0, at.data(), 0}, {70, 131, start, at.data() + pages, 0}}, 0, rows);
    return {out.data, out.data + out.size()};
  }

  // Both sum f32 products of `dim` values and of up to 198 positions, in their own orders; on tiles
  // weights are rounded by 2^-9 of themselves, and exponentials by 2^-13.
  void expect_blocks_equal_rows(const Heads& heads) {
    const std::vector<float> rows = attend(heads, Activations::f32);
    const std::vector<float> blocks = attend(heads, Activations::by_row);
    const bool tiles = kernels::active().attend_tiles != nullptr;
    const double tolerance = 2e-5 + (tiles ? kMost * (0x1p-9 + 0x1p-12) : 0);
    ASSERT_EQ(rows.size(), blocks.size());
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_NEAR(blocks[i], rows[i], tolerance) << i;
    expect_chunks_equal_whole(heads);
  }

  // A prompt of 300 positions, so many at a time.
  std::vector<float> attend_in_chunks(const Heads& heads, std::size_t chunk) {
    random_.seed(20261128);
    tensor::Arena arena;
    SerialParallel serial;
    ops::Run run(kernels::active(), serial, arena);
    run.activations = Activations::by_row;
    const std::size_t width = heads.kv_count * heads.dim, columns = heads.count * heads.dim;
    const std::size_t page = 2 * heads.kv_count * kernels::kv_tile_bytes(KvType::f16, heads.dim);
    std::vector<std::byte> memory(19 * page);
    std::vector<std::byte*> pages;
    for (std::size_t i = 0; i < 19; ++i) pages.push_back(&memory[i * page]);
    auto q = normals(kPrompt * columns), k = normals(kPrompt * width), v = normals(kPrompt * width);
    std::vector<float> out;
    for (std::size_t start = 0; start < kPrompt; start += chunk) {
      const std::size_t count = std::min(chunk, kPrompt - start);
      const Value part = attention_cached(
          run, {&q[start * columns], count, columns}, {&k[start * width], count, width},
          {&v[start * width], count, width}, heads,
          std::vector<CachedRows>{{0, count, start, pages.data(), 0}}, KvType::f16);
      out.insert(out.end(), part.data, part.data + part.size());
    }
    return out;
  }

  void expect_chunks_equal_whole(const Heads& heads) {
    const std::vector<float> whole = attend_in_chunks(heads, kPrompt);
    for (const std::size_t chunk : {1u, 7u, 64u, 100u, 299u})
      ASSERT_EQ(attend_in_chunks(heads, chunk), whole) << "chunks of " << chunk;
  }

  static constexpr float kMost = 127.0f / 32;
  static constexpr std::size_t kPrompt = 300;
  std::mt19937 random_;
};

Heads some_heads(std::size_t dim) {
  Heads heads;
  heads.count = 6;
  heads.kv_count = 2;
  heads.dim = dim;
  heads.scale = 0.3f;
  return heads;
}

TEST_F(AttentionCachedTest, GroupedHeads) { expect_blocks_equal_rows(some_heads(64)); }

TEST_F(AttentionCachedTest, WidthsThatAreNotWholePanels) {
  expect_blocks_equal_rows(some_heads(20));
  expect_blocks_equal_rows(some_heads(80));
  expect_blocks_equal_rows(some_heads(128));
}

TEST_F(AttentionCachedTest, AWindow) {
  Heads heads = some_heads(32);
  for (const std::size_t window : {1u, 17u, 100u}) {
    heads.window = window;
    expect_blocks_equal_rows(heads);
  }
}

TEST_F(AttentionCachedTest, ASoftCap) {
  Heads heads = some_heads(32);
  heads.softcap = 2;
  expect_blocks_equal_rows(heads);
}

TEST_F(AttentionCachedTest, BiasesOfKeys) {
  Heads heads = some_heads(32);
  std::vector<float> bias(heads.count * 300);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.01f * static_cast<float>(i % 211);
  heads.key_bias = bias.data();
  heads.bias_stride = 300;
  expect_blocks_equal_rows(heads);
}

// A row's context is cut at whole multiples of kKvPart, and put together again.
TEST_F(AttentionCachedTest, ALongContextInPartsEqualsBlocks) {
  Heads heads = some_heads(16);
  random_.seed(7);
  tensor::Arena arena;
  SerialParallel serial;
  const std::size_t length = 2 * kernels::kKvPart + 300, columns = heads.count * heads.dim;
  const std::size_t width = heads.kv_count * heads.dim, count = (length + 15) / 16;
  const std::size_t page = 2 * heads.kv_count * kernels::kv_tile_bytes(KvType::f16, heads.dim);
  std::vector<std::byte> memory(count * page);
  std::vector<std::byte*> pages;
  for (std::size_t i = 0; i < count; ++i) pages.push_back(&memory[i * page]);
  auto q = normals(length * columns), k = normals(length * width), v = normals(length * width);
  for (const std::size_t window : {std::size_t{0}, kernels::kKvPart + 200}) {
    heads.window = window;
    std::vector<float> ways[2];
    for (const Activations activations : {Activations::f32, Activations::by_row}) {
      ops::Run run(kernels::active(), serial, arena);
      run.activations = activations;
      const Value out = attention_cached(
          run, {q.data(), length, columns}, {k.data(), length, width}, {v.data(), length, width},
          heads, std::vector<CachedRows>{{0, length, 0, pages.data(), 0}}, KvType::f16);
      ways[activations == Activations::f32 ? 0 : 1].assign(out.data, out.data + out.size());
    }
    const bool tiles = kernels::active().attend_tiles != nullptr;
    const double tolerance = 1e-4 + (tiles ? kMost * (0x1p-9 + 0x1p-12) : 0);
    for (std::size_t i = 0; i < ways[0].size(); ++i)
      ASSERT_NEAR(ways[1][i], ways[0][i], tolerance) << i;
  }
}

}  // namespace
}  // namespace lathe::ops
