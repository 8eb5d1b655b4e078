#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <numeric>

namespace lathe::engine {
namespace {

constexpr std::size_t kRows = models::KvPool::kPageRows;

std::vector<std::int32_t> tokens(std::size_t pages, std::int32_t first = 0) {
  std::vector<std::int32_t> out(pages * kRows);
  std::iota(out.begin(), out.end(), first);
  return out;
}

class PrefixCacheTest : public ::testing::Test {
 protected:
  models::KvSequence computed(std::size_t rows) {
    models::KvSequence sequence(pool_);
    EXPECT_TRUE(sequence.reserve(rows).ok());
    sequence.advance(rows);
    return sequence;
  }
  // Rows that a new sequence with these tokens finds.
  std::size_t found(const std::vector<std::int32_t>& of, const Adapters& adapters = nullptr) {
    models::KvSequence sequence(pool_);
    const std::size_t rows = cache_.begin(adapters, of, sequence);
    EXPECT_EQ(sequence.length(), rows);
    return rows;
  }

  models::KvPool pool_{{1, 1, 4}, kernels::KvType::f16, 8};
  PrefixCache cache_;
};

TEST_F(PrefixCacheTest, SharesWholePagesOfTheLongestBeginning) {
  const auto abc = tokens(3);
  {
    const models::KvSequence sequence = computed(3 * kRows - 1);
    cache_.insert(Adapters(), abc, sequence, pool_);
  }
  EXPECT_EQ(pool_.free_pages(), 6u);  // the incomplete third page went back
  EXPECT_EQ(cache_.pages(), 2u);
  EXPECT_EQ(found(abc), 2 * kRows);
  EXPECT_EQ(found(tokens(1)), kRows);
  auto other = abc;
  other[kRows] = -1;  // differs in the second page
  EXPECT_EQ(found(other), kRows);
  other[kRows - 1] = -1;
  EXPECT_EQ(found(other), 0u);
  EXPECT_EQ(found({}), 0u);
}

TEST_F(PrefixCacheTest, KeepsRowsOfOtherAnglesApart) {
  cache_.insert({nullptr, 1}, tokens(1), computed(kRows), pool_);
  EXPECT_EQ(found(tokens(1)), 0u);
  models::KvSequence sequence(pool_);
  EXPECT_EQ(cache_.begin({nullptr, 1}, tokens(1), sequence), kRows);
}

TEST_F(PrefixCacheTest, KnowsAdaptersByIdentity) {
  auto adapters = std::make_shared<models::SequenceAdapters>();
  cache_.insert(Adapters(adapters), tokens(1), computed(kRows), pool_);
  EXPECT_EQ(found(tokens(1), adapters), kRows);
  EXPECT_EQ(found(tokens(1)), 0u);
  EXPECT_EQ(found(tokens(1), std::make_shared<models::SequenceAdapters>()), 0u);
}

TEST_F(PrefixCacheTest, NewAdaptersAtAnOldAddressAreStrangers) {
  models::SequenceAdapters storage;
  const auto owned = [&storage] {
    return Adapters(&storage, [](const models::SequenceAdapters*) {});
  };
  cache_.insert(owned(), tokens(1), computed(kRows), pool_);
  EXPECT_EQ(found(tokens(1), owned()), 0u);
}

TEST_F(PrefixCacheTest, OneOwnerMayHoldSeveralAdapters) {
  struct Pair {
    models::SequenceAdapters a, b;
  };
  const auto pair = std::make_shared<Pair>();
  const Adapters a(pair, &pair->a), b(pair, &pair->b);
  cache_.insert(a, tokens(1), computed(kRows), pool_);
  EXPECT_EQ(found(tokens(1), a), kRows);
  EXPECT_EQ(found(tokens(1), b), 0u);
}

TEST_F(PrefixCacheTest, EvictsTheLeastRecentlyUsedLeafFirst) {
  cache_.insert(Adapters(), tokens(2), computed(2 * kRows), pool_);
  cache_.insert(Adapters(), tokens(2, 1000), computed(2 * kRows), pool_);
  EXPECT_EQ(found(tokens(2)), 2 * kRows);  // makes the first the more recent
  ASSERT_TRUE(cache_.evict(1));
  EXPECT_EQ(found(tokens(2, 1000)), kRows);
  ASSERT_TRUE(cache_.evict(2));
  EXPECT_EQ(found(tokens(2)) + found(tokens(2, 1000)), kRows);
  EXPECT_EQ(pool_.free_pages(), 7u);
}

TEST_F(PrefixCacheTest, NeverEvictsWhatIsInUseAndDoesAllOrNothing) {
  models::KvSequence running = computed(2 * kRows);
  cache_.insert(Adapters(), tokens(2), running, pool_);
  cache_.insert(Adapters(), tokens(1, 1000), computed(kRows), pool_);
  EXPECT_FALSE(cache_.evict(2));
  EXPECT_EQ(cache_.pages(), 3u);
  EXPECT_TRUE(cache_.evict(1));
  EXPECT_FALSE(cache_.evict(1));
  running.clear();
  EXPECT_TRUE(cache_.evict(2));
  EXPECT_EQ(pool_.free_pages(), 8u);
}

TEST_F(PrefixCacheTest, KeepsAnUnusedPageWhoseContinuationIsInUse) {
  // Two sequences compute the same first page, each its own; only one goes on.
  models::KvSequence longer = computed(2 * kRows);
  cache_.insert(Adapters(), tokens(1), computed(kRows), pool_);
  cache_.insert(Adapters(), tokens(2), longer, pool_);
  EXPECT_EQ(cache_.pages(), 2u);
  EXPECT_FALSE(cache_.evict(1));
  longer.clear();
  EXPECT_TRUE(cache_.evict(2));
  EXPECT_EQ(pool_.free_pages(), 8u);
}

}  // namespace
}  // namespace lathe::engine
