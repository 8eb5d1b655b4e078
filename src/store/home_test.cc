#include "store/home.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace lathe::store {
namespace {

class HomeTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "deep" / "home";
  Home home_ = Home::open(folder_).value();
};

TEST_F(HomeTest, OpenMakesTheFoldersAndOpensThemAgain) {
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "models"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "adaptations"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "knowledge"));
  EXPECT_TRUE(Home::open(folder_).ok());
  EXPECT_EQ(home_.catalogue_file(), folder_ / "lathe.db");
}

TEST_F(HomeTest, FileInTheWayIsAnError) {
  const os::Path file = scratch_.path() / "file";
  ASSERT_TRUE(os::write_file_atomically(file, "x").ok());
  const auto home = Home::open(file);
  ASSERT_FALSE(home.ok());
  EXPECT_NE(home.error().message().find(file.string()), std::string::npos);
  EXPECT_FALSE(Home::open("").ok());
}

TEST_F(HomeTest, NamesHavePlacesOfTheirOwn) {
  EXPECT_EQ(home_.model_folder("starter").value(), folder_ / "models" / "starter");
  EXPECT_EQ(home_.model_folder("org/tiny").value(), folder_ / "models" / "org~tiny");
  EXPECT_EQ(home_.adaptation_folder("lora").value(), folder_ / "adaptations" / "lora");
  EXPECT_EQ(home_.knowledge_file("handbook").value(), folder_ / "knowledge" / "handbook.db");
  EXPECT_FALSE(home_.model_folder("../x").ok());
  EXPECT_FALSE(home_.adaptation_folder("a/b").ok());
  EXPECT_FALSE(home_.knowledge_file("..").ok());
}

TEST_F(HomeTest, RelativeAndAbsoluteAreInverse) {
  const os::Path path = folder_ / "models" / "starter" / "model.gguf";
  const std::string relative = home_.relative(path).value();
  EXPECT_EQ(relative, "models/starter/model.gguf");
  EXPECT_EQ(home_.absolute(relative).value(), path);
  EXPECT_EQ(Home::open(folder_.string() + "/").value().relative(path).value(), relative);
}

TEST_F(HomeTest, PathsOutsideAreRefused) {
  EXPECT_FALSE(home_.relative("/etc/passwd").ok());
  EXPECT_FALSE(home_.relative(folder_).ok());
  EXPECT_FALSE(home_.relative(folder_ / "models" / ".." / ".." / "x").ok());
  EXPECT_FALSE(home_.absolute("../x").ok());
  EXPECT_FALSE(home_.absolute("/etc/passwd").ok());
}

TEST(HomeDefault, ComesFromTheEnvironment) {
  const char* old = std::getenv("LATHE_HOME");
  const std::string kept = old == nullptr ? "" : old;
  ASSERT_EQ(::setenv("LATHE_HOME", "/tmp/somewhere", 1), 0);
  EXPECT_EQ(Home::default_folder().value(), "/tmp/somewhere");
  ASSERT_EQ(::unsetenv("LATHE_HOME"), 0);
  if (std::getenv("HOME") != nullptr) {
    EXPECT_EQ(Home::default_folder().value().filename(), ".lathe");
  }
  if (old != nullptr) ::setenv("LATHE_HOME", kept.c_str(), 1);
}

}  // namespace
}  // namespace lathe::store
