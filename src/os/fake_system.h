// A made-up /sys and /proc in a folder of its own. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "os/file.h"

namespace lathe::os {

class FakeSystem {
 public:
  Path root() const { return folder_.path(); }

  FakeSystem& write(const std::string& path, std::string_view text) {
    EXPECT_TRUE(make_directories((root() / path).parent_path()).ok());
    std::ofstream file(root() / path);
    EXPECT_TRUE((file << text).flush().good());
    return *this;
  }
  // The hardware threads of the core that the processor belongs to.
  FakeSystem& siblings(std::size_t processor, std::string_view list) {
    return write(
        fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", processor),
        std::string(list) + "\n");
  }
  FakeSystem& capacity(std::size_t processor, std::string_view value) {
    return write(fmt::format("sys/devices/system/cpu/cpu{}/cpu_capacity", processor),
                 std::string(value) + "\n");
  }

 private:
  TemporaryDirectory folder_ = TemporaryDirectory::make().value();
};

}  // namespace lathe::os
