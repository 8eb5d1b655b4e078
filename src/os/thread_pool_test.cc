#include "os/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "os/affinity.h"

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

// More threads than processors, so that some are always asleep or late.
TEST(ThreadPool, ManyThreadsWithFewTasks) {
  ThreadPool pool(16);
  for (std::size_t job = 0; job < 2000; ++job) {
    const std::size_t tasks = job % 19;
    std::vector<std::atomic<int>> runs(tasks);
    pool.run(tasks, [&](std::size_t i) { ++runs[i]; });
    for (const auto& count : runs) ASSERT_EQ(count, 1);
  }
}

TEST(ThreadPool, ASlowTaskDoesNotHoldUpTheOthers) {
  ThreadPool pool(2);
  constexpr int kTasks = 20;
  std::atomic<int> done{0};
  bool others_were_done = false;
  // The first task of the caller's share waits for all others, those of its own share too: only
  // the other thread can do them.
  pool.run(kTasks, [&](std::size_t i) {
    for (int wait = 0; i == 0 && wait < 5000 && done < kTasks - 1; ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (i == 0) others_were_done = done == kTasks - 1;
    ++done;
  });
  EXPECT_TRUE(others_were_done);
}

TEST(ThreadPool, TheCallerSleepsUntilALongTaskEnds) {
  ThreadPool pool(2);
  for (int job = 0; job < 5; ++job) {
    std::atomic<int> runs{0};
    pool.run(2, [&](std::size_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ++runs;
    });
    EXPECT_EQ(runs, 2);
  }
}

TEST(ThreadPool, ComesAndGoes) {
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(3);
    std::atomic<int> runs{0};
    if (i % 2 == 0) pool.run(5, [&](std::size_t) { ++runs; });
    EXPECT_EQ(runs, i % 2 == 0 ? 5 : 0);
  }
}

TEST(ThreadPool, KeepsItsThreadsWhereThePlanSays) {
  const std::vector<std::size_t> allowed = allowed_processors();
  std::thread([&] {  // which stays confined
    ThreadPlan plan;
    plan.threads = 3;
    plan.processors = {allowed.back()};
    ThreadPool pool(plan);
    std::atomic<int> elsewhere{0};
    pool.run(64, [&](std::size_t) { elsewhere += allowed_processors() != plan.processors; });
    EXPECT_EQ(elsewhere, 0);
    EXPECT_EQ(allowed_processors(), plan.processors);
  })
      .join();
  EXPECT_EQ(allowed_processors(), allowed);
}

TEST(ThreadPool, PinnedThreadsStayOnTheirCores) {
  const std::vector<std::size_t> allowed = allowed_processors();
  std::thread([&] {
    ThreadPool pool(plan_threads(this_machine(), 2, Placement::pinned));
    std::atomic<int> wrong{0};
    pool.run(64, [&](std::size_t) {
      const auto mine = allowed_processors();
      bool is_a_core = false;
      for (const Core& core : this_machine().cores) is_a_core |= core.processors == mine;
      wrong += !is_a_core;
    });
    EXPECT_EQ(wrong, 0);
  }).join();
}

}  // namespace
}  // namespace lathe::os
