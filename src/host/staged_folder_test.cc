#include "host/staged_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

class StagedFolderTest : public ::testing::Test {
 protected:
  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
  os::Path target_ = folder_.path() / "name";
};

TEST_F(StagedFolderTest, AppearsWholeWithItsCommit) {
  auto staged = StagedFolder::begin(target_).value();
  ASSERT_TRUE(os::write_file_atomically(staged.path() / "file", "text").ok());
  EXPECT_FALSE(fs::exists(target_));
  ASSERT_TRUE(staged.commit().ok());
  EXPECT_EQ(os::read_file(target_ / "file").value(), "text");
}

TEST_F(StagedFolderTest, LeavesNothingWithoutCommit) {
  os::Path path;
  {
    const auto staged = StagedFolder::begin(target_).value();
    path = staged.path();
    ASSERT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(StagedFolderTest, ClearsWhatTheDeadLeft) {
  const os::Path dead = folder_.path() / ".staged-other";
  ASSERT_TRUE(os::make_directories(dead / "deep").ok());
  ASSERT_TRUE(os::make_directories(target_).ok());  // renamed, never recorded
  ASSERT_TRUE(os::write_file_atomically(target_ / "old", "x").ok());
  auto staged = StagedFolder::begin(target_).value();
  EXPECT_FALSE(fs::exists(dead));
  ASSERT_TRUE(staged.commit().ok());
  EXPECT_FALSE(fs::exists(target_ / "old"));
}

TEST_F(StagedFolderTest, OneAtATime) {
  auto first = std::make_unique<StagedFolder>(StagedFolder::begin(target_).value());
  std::atomic<bool> second_began{false};
  std::thread other([&] {
    const auto second = StagedFolder::begin(folder_.path() / "other");
    second_began = true;
    EXPECT_TRUE(second.ok());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(second_began);
  first.reset();
  other.join();
  EXPECT_TRUE(second_began);
}

TEST_F(StagedFolderTest, CopiesCountTheirBytes) {
  const std::string text(5 << 20, 'x');
  ASSERT_TRUE(os::write_file_atomically(folder_.path() / "from", text).ok());
  std::uint64_t copied = 0;
  ASSERT_TRUE(copy_file(folder_.path() / "from", folder_.path() / "to", [&](std::uint64_t bytes) {
                copied += bytes;
              }).ok());
  EXPECT_EQ(copied, text.size());
  EXPECT_EQ(os::read_file(folder_.path() / "to").value(), text);
  EXPECT_EQ(disk_bytes(folder_.path() / "to"), text.size());
  EXPECT_FALSE(copy_file(folder_.path() / "absent", target_, [](std::uint64_t) {}).ok());
}

}  // namespace
}  // namespace lathe::host
