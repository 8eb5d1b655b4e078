#include "tensor/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace lathe::tensor {
namespace {

TEST(Arena, GivesAlignedMemoryThatDoesNotOverlap) {
  Arena arena;
  std::vector<std::span<float>> spans;
  for (std::size_t n : {1u, 100u, 1u << 20, 3u, 5u << 20}) {
    spans.push_back(arena.span(n));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(spans.back().data()) % 64, 0u);
    for (float& x : spans.back()) x = static_cast<float>(spans.size());
  }
  for (std::size_t i = 0; i < spans.size(); ++i) {
    for (const float x : spans[i]) ASSERT_EQ(x, static_cast<float>(i + 1));
  }
}

TEST(Arena, ASteadyStateAllocatesNothing) {
  Arena arena;
  std::size_t held = 0;
  for (int pass = 0; pass < 5; ++pass) {
    arena.reset();
    for (int i = 0; i < 50; ++i) arena.floats(100'000);
    if (pass == 1) held = arena.bytes();
    if (pass > 1) {
      EXPECT_EQ(arena.bytes(), held);
    }
  }
}

TEST(Arena, RewindingGivesBackWhatCameAfterTheMarkAndNothingElse) {
  Arena arena;
  const std::span<float> kept = arena.span(1000);
  std::fill(kept.begin(), kept.end(), 1.0f);
  const Arena::Mark mark = arena.mark();
  float* const first = arena.floats(100'000);
  std::size_t held = 0;
  for (int layer = 0; layer < 20; ++layer) {
    const std::uint64_t pass = arena.pass();
    arena.rewind(mark);
    EXPECT_NE(arena.pass(), pass);
    EXPECT_EQ(arena.floats(100'000), first);
    for (const std::size_t n : {1u << 20, 5u << 20}) {
      const std::span<float> values = arena.span(n);
      std::fill(values.begin(), values.end(), 2.0f);
    }
    if (layer == 0) held = arena.bytes();
    EXPECT_EQ(arena.bytes(), held);
  }
  for (const float x : kept) ASSERT_EQ(x, 1.0f);
}

}  // namespace
}  // namespace lathe::tensor
