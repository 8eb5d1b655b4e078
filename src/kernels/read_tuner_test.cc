// The best way of reading is found although the memory's speed changes, and is kept.
#include "kernels/read_tuner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace lathe::kernels {
namespace {

// Large enough to be tried.
constexpr ReadShape kLarge = {{8, 128, ScaleForm::block}, 1, 2048, 8192};

TEST(WaysInTurns, TakeAllEquallyOften) {
  WaysInTurns turns(3);
  for (std::size_t i = 0; i < 3 * WaysInTurns::kRounds; ++i) {
    EXPECT_FALSE(turns.best().has_value());
    EXPECT_EQ(turns.next(), i % 3);
    turns.add(turns.next(), 1);
  }
  EXPECT_TRUE(turns.best().has_value());
}

// A memory that is twice as fast in some rounds, and noise greater than what one way gains.
TEST(WaysInTurns, FindTheBestInMemoryThatChanges) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> noise(0.97, 1.03);
  WaysInTurns turns(4);
  for (std::size_t round = 0; round < WaysInTurns::kRounds; ++round) {
    const double memory = random() % 2 == 0 ? 1 : 2;
    const std::size_t disturbed = random() % 8;  // at times one of them is
    for (std::size_t way = 0; way < 4; ++way)
      turns.add(way, memory * noise(random) * (way == 2 ? 0.8 : 1) *
                         (way == disturbed && round % 3 == 0 ? 3 : 1));
  }
  EXPECT_EQ(turns.best(), std::optional<std::size_t>(2));
}

TEST(ReadTuner, TriesEachWayAndKeepsOne) {
  ReadTuner tuner;
  const std::size_t ways = ways_of_reading().size();
  std::vector<std::size_t> taken(ways);
  const auto product = [&](ReadAhead way) {
    for (std::size_t i = 0; i < ways; ++i) {
      if (ways_of_reading()[i].streams != way.streams) continue;
      ++taken[i];
      // The one that shall win.
      if (i != 1) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  for (std::size_t i = 0; i < ways * WaysInTurns::kRounds; ++i) {
    EXPECT_FALSE(tuner.best(kLarge).has_value());
    tuner.run(kLarge, product);
  }
  EXPECT_EQ(taken, std::vector<std::size_t>(ways, std::size_t{WaysInTurns::kRounds}));
  ASSERT_TRUE(tuner.best(kLarge).has_value());
  EXPECT_EQ(tuner.best(kLarge)->streams, ways_of_reading()[1].streams);
  tuner.run(kLarge, product);
  EXPECT_EQ(taken[1], WaysInTurns::kRounds + 1);
}

TEST(ReadTuner, LeavesSmallProductsAlone) {
  ReadTuner tuner;
  const ReadShape small = {{8, 128, ScaleForm::block}, 1, 256, 256};
  for (int i = 0; i < 100; ++i) {
    tuner.run(small, [](ReadAhead way) {
      EXPECT_EQ(way.streams, ways_of_reading()[0].streams);
      EXPECT_EQ(way.bytes, ways_of_reading()[0].bytes);
    });
  }
  EXPECT_FALSE(tuner.best(small).has_value());
}

TEST(ReadTuner, ServesManyThreads) {
  ReadTuner tuner;
  std::atomic<int> products = 0;
  std::vector<std::thread> threads;
  for (std::size_t rows = 1; rows <= 4; ++rows) {
    threads.emplace_back([&, rows] {
      ReadShape shape = kLarge;
      shape.rows = rows % 2;  // two threads for each shape
      for (int i = 0; i < 200; ++i) tuner.run(shape, [&](ReadAhead) { ++products; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(products, 800);
  EXPECT_TRUE(tuner.best(kLarge).has_value());
}

}  // namespace
}  // namespace lathe::kernels
