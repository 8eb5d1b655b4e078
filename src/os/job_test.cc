#include "os/job.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lathe::os {
namespace {

TEST(Share, GivesFromBothEndsUntilNothingIsLeft) {
  Share share;
  share.set(3, 7);
  std::size_t task = 0;
  ASSERT_TRUE(share.take(task));
  EXPECT_EQ(task, 3u);
  ASSERT_TRUE(share.take_last(task));
  EXPECT_EQ(task, 6u);
  ASSERT_TRUE(share.take(task));
  ASSERT_TRUE(share.take(task));
  EXPECT_EQ(task, 5u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(share.take(task));
    EXPECT_FALSE(share.take_last(task));
  }
}

TEST(Share, EachTaskOnceWithThreeThreadsAtIt) {
  for (int round = 0; round < 200; ++round) {
    constexpr std::size_t kTasks = 300;
    Share share;
    share.set(0, kTasks);
    std::vector<std::atomic<int>> taken(kTasks);
    const auto all = [&](bool own) {
      std::size_t task = 0;
      while (own ? share.take(task) : share.take_last(task)) ++taken[task];
    };
    std::thread first([&] { all(false); }), second([&] { all(false); });
    all(true);
    first.join();
    second.join();
    for (const auto& count : taken) ASSERT_EQ(count, 1);
  }
}

TEST(JobWord, TellsWhoMayComeIn) {
  const JobWord none;
  EXPECT_FALSE(none.is_for(0));
  const JobWord job = none.next(3);
  EXPECT_TRUE(job.is_open());
  EXPECT_TRUE(job.is_for(2));
  EXPECT_FALSE(job.is_for(3));
  EXPECT_FALSE(job.is_same_job(none));
  const JobWord entered(job.bits() + 1);
  EXPECT_EQ(entered.inside(), 1u);
  EXPECT_TRUE(entered.is_same_job(job));
  const JobWord closed(entered.bits() & ~JobWord::kOpen);
  EXPECT_FALSE(closed.is_for(2));
  EXPECT_EQ(closed.inside(), 1u);
}

TEST(JobWord, NumbersBeginAgainAfterTheLast) {
  const JobWord last(~std::uint64_t{0} << 32);
  const JobWord next = last.next(kMostThreads);
  EXPECT_FALSE(next.is_same_job(last));
  EXPECT_TRUE(next.is_for(kMostThreads - 1));
  EXPECT_EQ(next.inside(), 0u);
}

}  // namespace
}  // namespace lathe::os
