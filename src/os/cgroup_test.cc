#include "os/cgroup.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "os/fake_system.h"

namespace lathe::os {
namespace {

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::off); }
  void TearDown() override { log::set_level(log::Level::info); }

  double processors() const { return cgroup_processors(system_.root()); }

  FakeSystem system_;
};

TEST_F(CgroupTest, NothingSaidIsNoLimit) {
  EXPECT_EQ(processors(), 0);
  system_.write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(processors(), 0);
}

TEST_F(CgroupTest, V2InAContainer) {
  system_.write("proc/self/cgroup", "0::/\n").write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(processors(), 1.5);
  system_.write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(processors(), 0);
}

TEST_F(CgroupTest, V2TakesTheLeastOfAllGroupsAbove) {
  system_.write("proc/self/cgroup", "0::/user.slice/work.scope\n")
      .write("sys/fs/cgroup/user.slice/cpu.max", "300000 100000\n")
      .write("sys/fs/cgroup/user.slice/work.scope/cpu.max", "max 100000\n");
  EXPECT_DOUBLE_EQ(processors(), 3);
  system_.write("sys/fs/cgroup/user.slice/work.scope/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(processors(), 0.5);
}

TEST_F(CgroupTest, V1) {
  system_.write("proc/self/cgroup", "9:name=systemd:/\n3:cpuset:/a\n2:cpu,cpuacct:/a/b\n")
      .write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "400000\n")
      .write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(processors(), 4);
}

TEST_F(CgroupTest, V1OfTheHostSeenFromAContainer) {
  system_.write("proc/self/cgroup", "4:cpuacct,cpu:/docker/0123\n0::/docker/0123\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(processors(), 2);
}

TEST_F(CgroupTest, ControllersWithOtherNamesDoNotCount) {
  system_.write("proc/self/cgroup", "2:cpuacct:/\n3:cpuset:/\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processors(), 0);
}

TEST_F(CgroupTest, AGroupThatCannotBeSeenIsPassed) {
  system_.write("proc/self/cgroup", "0::/../../elsewhere\n")
      .write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_DOUBLE_EQ(processors(), 1);
}

TEST_F(CgroupTest, WhatIsNotAQuotaIsPassed) {
  system_.write("proc/self/cgroup", "0::/\nnonsense\n::\n");
  for (const char* text : {"", "max", "100000", "100000 ", "0 100000", "100000 0", "-5 100000",
                           "1e5 100000", "99999999999999999999999 1", "1 2 3", " 1 2"}) {
    system_.write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(processors(), 0) << text;
  }
}

TEST_F(CgroupTest, V1WithoutAPeriodIsPassed) {
  system_.write("proc/self/cgroup", "2:cpu:/\n")
      .write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(processors(), 0);
}

}  // namespace
}  // namespace lathe::os
