#include "host/machine_speed.h"

#include <gtest/gtest.h>

namespace lathe::host {
namespace {

TEST(MachineSpeedTest, IsMeasuredOnceAndKept) {
  const os::TemporaryDirectory scratch = os::TemporaryDirectory::make().value();
  const os::Path file = scratch.path() / "machine.json";
  SerialParallel serial;
  const os::SystemClock clock;
  const MachineSpeed first = machine_speed(file, serial, clock).value();
  EXPECT_GT(first.bytes_per_second, 1e8);
  EXPECT_GT(first.operations_per_second, 1e8);
  const MachineSpeed again = machine_speed(file, serial, clock).value();
  EXPECT_EQ(again.bytes_per_second, first.bytes_per_second);
  EXPECT_EQ(again.operations_per_second, first.operations_per_second);
  ASSERT_TRUE(os::write_file_atomically(file, "{\"machine\": 3}").ok());
  EXPECT_GT(machine_speed(file, serial, clock).value().bytes_per_second, 1e8);
}

}  // namespace
}  // namespace lathe::host
