#include "os/scratch_file.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lathe::os {
namespace {

TEST(ScratchFile, GivesBackWhatWasWrittenAndHasNoName) {
  const auto folder = TemporaryDirectory::make().value();
  ScratchFile file = ScratchFile::make(folder.path()).value();
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    all += piece;
    ASSERT_TRUE(file.write(piece).ok());
  }
  EXPECT_EQ(file.offset(), all.size());
  ScratchFile moved = std::move(file);
  const auto bytes = moved.map();
  ASSERT_TRUE(bytes.ok()) << bytes.error().message();
  EXPECT_TRUE(std::ranges::equal(*bytes, std::as_bytes(std::span(all))));
  EXPECT_EQ(moved.map()->data(), bytes->data());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ScratchFile, MayBeEmpty) {
  const auto folder = TemporaryDirectory::make().value();
  EXPECT_TRUE(ScratchFile::make(folder.path()).value().map()->empty());
}

TEST(ScratchFile, AFolderThatIsNotThereIsNamed) {
  const auto made = ScratchFile::make("/nonexistent/folder");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("/nonexistent/folder"), std::string::npos);
}

}  // namespace
}  // namespace lathe::os
