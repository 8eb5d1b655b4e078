#include "os/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace lathe::os {
namespace {

class FileTest : public testing::Test {
 protected:
  TemporaryDirectory scratch_ = TemporaryDirectory::make().value();
  Path path_ = scratch_.path() / "file";

  std::size_t files_in_scratch() const {
    const auto all = std::filesystem::directory_iterator(scratch_.path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};

TEST_F(FileTest, WritesAndReadsBack) {
  ASSERT_TRUE(write_file_atomically(path_, "hello").ok());
  EXPECT_EQ(read_file(path_).value(), "hello");
  const MappedFile mapped = MappedFile::open(path_).value();
  EXPECT_EQ(mapped.bytes().size(), 5u);
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamesThePath) {
  const auto result = read_file(path_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::not_found);
  EXPECT_NE(result.error().message().find(path_.string()), std::string::npos);
}

TEST_F(FileTest, FolderAndTooLargeFileAreErrors) {
  EXPECT_FALSE(MappedFile::open(scratch_.path()).ok());
  ASSERT_TRUE(write_file_atomically(path_, "hello").ok());
  const auto result = read_file(path_, 4);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::limit);
}

TEST_F(FileTest, EmptyFileMapsToNothing) {
  ASSERT_TRUE(write_file_atomically(path_, "").ok());
  EXPECT_TRUE(MappedFile::open(path_).value().bytes().empty());
}

TEST_F(FileTest, FailedWriteKeepsTheOldFileAndLeavesNothingBehind) {
  ASSERT_TRUE(write_file_atomically(path_, "old").ok());
  const Status status = write_file_atomically(path_, [](FileWriter& out) -> Status {
    LATHE_CHECK(out.write("half of the n"));
    return Error::io("the disk is full");
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(read_file(path_).value(), "old");
  EXPECT_EQ(files_in_scratch(), 1u);
}

TEST_F(FileTest, StampsTellWhenAFileWasWritten) {
  ASSERT_TRUE(write_file_atomically(path_, "hello").ok());
  const FileStamp written = file_stamp(path_).value();
  EXPECT_EQ(written.size, 5u);
  ASSERT_TRUE(set_modification_time(path_, 1'234'567'890'123'456'789).ok());
  EXPECT_EQ(file_stamp(path_).value(), (FileStamp{5, 1'234'567'890'123'456'789}));
  EXPECT_EQ(file_stamp(scratch_.path() / "absent").error().kind, ErrorKind::not_found);
  EXPECT_EQ(set_modification_time(scratch_.path() / "absent", 1).error().kind,
            ErrorKind::not_found);
}

TEST_F(FileTest, KilledWriterLeavesTheOldFile) {
  ASSERT_TRUE(write_file_atomically(path_, "old").ok());
  const pid_t child = ::fork();
  if (child == 0) {
    (void)write_file_atomically(path_, [](FileWriter& out) -> Status {
      (void)out.write("new, half");
      ::raise(SIGKILL);
      return {};
    });
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(path_).value(), "old");
}

}  // namespace
}  // namespace lathe::os
