// Pages of keys and values: taken, shared and given back.
#include "models/kv_cache.h"

#include <gtest/gtest.h>

#include <set>

namespace lathe::models {
namespace {

constexpr KvShape kShape = {3, 2, 20};  // layers, heads, dim
constexpr std::size_t kRows = KvPool::kPageRows;

TEST(KvPool, APageHoldsItsTilesByType) {
  EXPECT_EQ(kShape.page_bytes(kernels::KvType::f32), 3u * 2 * 2 * 16 * 20 * 4);
  EXPECT_EQ(kShape.page_bytes(kernels::KvType::f16), 3u * 2 * 2 * 16 * 20 * 2);
  EXPECT_EQ(kShape.page_bytes(kernels::KvType::int8), 3u * 2 * 2 * (16 * 20 + 64));
}

// Small pools, and more pages than a slab has.
TEST(KvPool, PagesAreWholeCacheLinesAndDoNotOverlap) {
  for (const kernels::KvType type : kernels::kKvTypes) {
    for (const std::size_t count : {1u, 5u, 3000u}) {
      KvPool pool(kShape, type, count);
      KvSequence sequence(pool);
      ASSERT_TRUE(sequence.reserve(count * kRows).ok());
      EXPECT_EQ(pool.free_pages(), 0u);
      std::set<std::byte*> places;  // of each page in each layer
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t layer = 0; layer < kShape.layers; ++layer)
          places.insert(sequence.pages()[i] + sequence.layer_offset(layer));
      }
      ASSERT_EQ(places.size(), count * kShape.layers);
      const std::byte* last = nullptr;
      for (const std::byte* place : places) {
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(place) % 64, 0u);
        ASSERT_TRUE(last == nullptr || place >= last + kShape.layer_bytes(type));
        last = place;
      }
      EXPECT_FALSE(sequence.reserve(count * kRows + 1).ok());
    }
  }
}

TEST(KvSequence, GoesWithItsPages) {
  KvPool pool(kShape, kernels::KvType::f16, 4);
  KvSequence first(pool), second(pool);
  ASSERT_TRUE(first.reserve(2 * kRows).ok());
  first.advance(2 * kRows);
  second.share(first, kRows);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
  EXPECT_EQ(pool.free_pages(), 2u);
  KvSequence moved(std::move(first));
  EXPECT_EQ(moved.pages()[0], second.pages()[0]);
  moved.truncate(1);
  EXPECT_EQ(pool.free_pages(), 3u);
  moved.clear();
  EXPECT_EQ(pool.free_pages(), 3u);  // the second one has it still
  second.clear();
  EXPECT_EQ(pool.free_pages(), 4u);
}

}  // namespace
}  // namespace lathe::models
