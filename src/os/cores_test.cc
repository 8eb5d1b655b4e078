#include "os/cores.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/log.h"
#include "os/affinity.h"
#include "os/fake_system.h"

namespace lathe::os {
namespace {

using List = std::vector<std::size_t>;

List up_to(std::size_t count) {
  List list(count);
  std::iota(list.begin(), list.end(), std::size_t{0});
  return list;
}

class CoresTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::off); }
  void TearDown() override { log::set_level(log::Level::info); }

  Machine machine(const List& allowed) const { return read_machine(system_.root(), allowed); }

  // Four cores of two hardware threads as most kernels number them: 0 and 4 are of one core.
  void make_smt() {
    for (std::size_t i = 0; i < 8; ++i) system_.siblings(i, fmt::format("{},{}", i % 4, i % 4 + 4));
  }
  // Two fast cores of two hardware threads (0-1, 2-3) and four slow ones.
  void make_hybrid() {
    for (std::size_t i = 0; i < 4; ++i) system_.siblings(i, i < 2 ? "0-1" : "2-3");
    for (std::size_t i = 4; i < 8; ++i) system_.siblings(i, std::to_string(i));
    system_.write("sys/devices/cpu_core/cpus", "0-3\n").write("sys/devices/cpu_atom/cpus", "4-7\n");
  }

  FakeSystem system_;
};

TEST_F(CoresTest, NothingSaidIsACoreForEachProcessor) {
  const Machine m = machine({1, 5, 6});
  ASSERT_EQ(m.cores.size(), 3u);
  EXPECT_EQ(m.cores[1].processors, List({5}));
  EXPECT_EQ(plan_threads(m, 0).threads, 3u);
  EXPECT_TRUE(plan_threads(m, 0).processors.empty());
}

TEST_F(CoresTest, SmtGivesAThreadForACore) {
  make_smt();
  const Machine m = machine(up_to(8));
  ASSERT_EQ(m.cores.size(), 4u);
  EXPECT_EQ(m.cores[1].processors, List({1, 5}));
  EXPECT_EQ(plan_threads(m, 0).threads, 4u);
  EXPECT_TRUE(plan_threads(m, 0).processors.empty());  // the system finds free cores itself
  EXPECT_EQ(plan_threads(m, 7).threads, 7u);           // who asks is given
}

TEST_F(CoresTest, OnlyWhatIsAllowedCounts) {
  make_smt();
  const Machine m = machine({1, 4, 5});  // both of core 1, one of core 0
  ASSERT_EQ(m.cores.size(), 2u);
  EXPECT_EQ(m.cores[0].processors, List({4}));
  EXPECT_EQ(m.cores[1].processors, List({1, 5}));
}

// The kernel leaves offline processors out of the lists of their siblings, and of what is allowed.
TEST_F(CoresTest, OfflineProcessors) {
  for (const std::size_t i : {0u, 1u, 3u}) system_.siblings(i, std::to_string(i));
  system_.siblings(2, "");  // its topology stays empty or goes
  EXPECT_EQ(machine({0, 1, 3}).cores.size(), 3u);
}

TEST_F(CoresTest, TheNewNameOfTheSiblingsComesFirst) {
  system_.siblings(0, "0").siblings(1, "1");
  for (const char* i : {"0", "1"})
    system_.write(fmt::format("sys/devices/system/cpu/cpu{}/topology/core_cpus_list", i), "0-1\n");
  EXPECT_EQ(machine({0, 1}).cores.size(), 1u);
}

TEST_F(CoresTest, AHybridProcessorLendsItsFastCores) {
  make_hybrid();
  const Machine m = machine(up_to(8));
  ASSERT_EQ(m.cores.size(), 6u);
  EXPECT_FALSE(m.cores[1].slow);
  EXPECT_TRUE(m.cores[2].slow);
  const ThreadPlan plan = plan_threads(m, 0);
  EXPECT_EQ(plan.threads, 2u);
  EXPECT_EQ(plan.processors, List({0, 1, 2, 3}));
  EXPECT_EQ(plan_threads(m, 1).processors, List({0, 1, 2, 3}));
  // More than the fast ones may run anywhere.
  EXPECT_EQ(plan_threads(m, 6).threads, 6u);
  EXPECT_TRUE(plan_threads(m, 6).processors.empty());
}

TEST_F(CoresTest, SlowCoresAloneAreUsedAsTheyAre) {
  make_hybrid();
  const ThreadPlan plan = plan_threads(machine({4, 5, 6}), 0);
  EXPECT_EQ(plan.threads, 3u);
  EXPECT_TRUE(plan.processors.empty());
}

TEST_F(CoresTest, CapacitiesTellLittleCoresFromBigOnes) {
  const char* capacities[] = {"250", "250", "250", "250", "870", "870", "870", "1024"};
  for (std::size_t i = 0; i < 8; ++i) system_.capacity(i, capacities[i]);
  const ThreadPlan plan = plan_threads(machine(up_to(8)), 0);
  EXPECT_EQ(plan.threads, 4u);
  EXPECT_EQ(plan.processors, List({4, 5, 6, 7}));
  EXPECT_EQ(plan_threads(machine({0, 1}), 0).threads, 2u);
}

TEST_F(CoresTest, QuotasAreRounded) {
  make_smt();
  system_.write("proc/self/cgroup", "0::/\n");
  const auto threads = [&](const char* quota) {
    system_.write("sys/fs/cgroup/cpu.max", fmt::format("{} 100000", quota));
    return plan_threads(machine(up_to(8)), 0).threads;
  };
  EXPECT_EQ(threads("max"), 4u);
  EXPECT_EQ(threads("10000"), 1u);
  EXPECT_EQ(threads("140000"), 1u);
  EXPECT_EQ(threads("150000"), 2u);
  EXPECT_EQ(threads("300000"), 3u);
  EXPECT_EQ(threads("6400000"), 4u);
  EXPECT_EQ(threads("99999999999999999"), 4u);
  EXPECT_EQ(plan_threads(machine(up_to(8)), 8).threads, 8u);
}

TEST_F(CoresTest, PinnedThreadsHaveACoreEachFastOnesFirst) {
  make_hybrid();
  system_.write("sys/devices/cpu_core/cpus", "4-7\n");  // here 4 to 7 are the fast ones
  const ThreadPlan plan = plan_threads(machine(up_to(8)), 5, Placement::pinned);
  EXPECT_EQ(plan.threads, 5u);
  EXPECT_EQ(plan.processors_of(0), List({4}));
  EXPECT_EQ(plan.processors_of(3), List({7}));
  EXPECT_EQ(plan.processors_of(4), List({0, 1}));
  // More threads than cores begin again.
  EXPECT_EQ(plan_threads(machine(up_to(8)), 8, Placement::pinned).processors_of(6), List({4}));
}

TEST_F(CoresTest, WhatIsNotUnderstoodCountsAsNotSaid) {
  for (const char* text : {"", "x", "7", "0-", "3-1", "0-99999999"}) {
    system_.siblings(0, text).siblings(1, text).capacity(0, text).capacity(1, "much");
    system_.write("sys/devices/cpu_core/cpus", "-3\n");
    const Machine m = machine({0, 1});
    EXPECT_EQ(m.cores.size(), 2u) << text;
    EXPECT_EQ(plan_threads(m, 0).threads, 2u) << text;
  }
}

TEST(ThisMachine, HasAsManyProcessorsAsAreAllowed) {
  std::size_t processors = 0;
  for (const Core& core : this_machine().cores) processors += core.processors.size();
  EXPECT_EQ(processors, allowed_processors().size());
}

}  // namespace
}  // namespace lathe::os
