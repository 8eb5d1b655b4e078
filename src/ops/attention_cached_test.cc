// Attention over pages: blocks of rows give what rows alone do.
#include <gtest/gtest.h>

#include <random>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

using kernels::KvType;

class AttentionCachedTest : public testing::Test {
 protected:
  std::vector<float> normals(std::size_t n) {
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> out(n);
    for (float& x : out) x = normal(random_);
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

  // Both sum f32 products of `dim` values and of up to 198 positions, in their own orders.
  void expect_blocks_equal_rows(const Heads& heads) {
    const std::vector<float> rows = attend(heads, Activations::f32);
    const std::vector<float> blocks = attend(heads, Activations::by_row);
    ASSERT_EQ(rows.size(), blocks.size());
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_NEAR(blocks[i], rows[i], 2e-5) << i;
  }

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
  std::vector<float> bias(heads.count * 200);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.01f * static_cast<float>(i % 211);
  heads.key_bias = bias.data();
  heads.bias_stride = 200;
  expect_blocks_equal_rows(heads);
}

}  // namespace
}  // namespace lathe::ops
