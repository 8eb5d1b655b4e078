#include "os/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace lathe::os {
namespace {

TEST(ThreadPool, RunsEachTaskOnce) {
  ThreadPool pool(4);
  for (std::size_t tasks : {0u, 1u, 2u, 3u, 100u, 1000u}) {
    std::vector<std::atomic<int>> runs(tasks);
    pool.run(tasks, [&](std::size_t i) { ++runs[i]; });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(ThreadPool, ManyShortJobsInARow) {
  ThreadPool pool(3);
  std::atomic<long> sum{0};
  for (int job = 0; job < 20000; ++job)
    pool.run(3, [&](std::size_t i) { sum += static_cast<long>(i); });
  EXPECT_EQ(sum, 60000);
}

TEST(ThreadPool, WakesAfterSleep) {
  ThreadPool pool(2);
  std::atomic<int> runs{0};
  for (int job = 0; job < 5; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    pool.run(2, [&](std::size_t) { ++runs; });
  }
  EXPECT_EQ(runs, 10);
}

TEST(ThreadPool, CallersTakeTurns) {
  ThreadPool pool(2);
  std::atomic<int> runs{0};
  auto caller = [&] {
    for (int job = 0; job < 500; ++job) pool.run(4, [&](std::size_t) { ++runs; });
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_EQ(runs, 4000);
}

TEST(ThreadPool, CountsProcessors) { EXPECT_GE(available_processors(), 1u); }

}  // namespace
}  // namespace lathe::os
