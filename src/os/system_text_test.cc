#include "os/system_text.h"

#include <gtest/gtest.h>

#include <random>

#include "os/fake_system.h"

namespace lathe::os {
namespace {

using List = std::vector<std::size_t>;

TEST(SystemText, WithoutTheEndOfTheLine) {
  FakeSystem system;
  system.write("a", "0-3\n").write("empty", "\n");
  EXPECT_EQ(system_text(system.root() / "a"), "0-3");
  EXPECT_EQ(system_text(system.root() / "empty"), "");
  EXPECT_EQ(system_text(system.root() / "missing"), std::nullopt);
}

TEST(SystemText, ReadsWhatTheKernelMakesUp) {
  const auto text = system_text("/proc/self/status");  // its size is said to be 0
  ASSERT_TRUE(text.has_value());
  EXPECT_NE(text->find("Threads:"), std::string::npos);
}

TEST(ParseProcessors, Lists) {
  EXPECT_EQ(parse_processors(""), List());
  EXPECT_EQ(parse_processors("0"), List({0}));
  EXPECT_EQ(parse_processors("0-3,8,10-11"), List({0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_processors("4,0,4,3-5"), List({0, 3, 4, 5}));
}

TEST(ParseProcessors, WhatIsNoList) {
  for (const char* text : {",", "1,", ",1", "-", "1-", "-1", "3-1", "a", "1 ", " 1", "1-2-3", "0x1",
                           "1,,2", "65536", "0-65536", "99999999999999999999999", "+1"})
    EXPECT_EQ(parse_processors(text), std::nullopt) << text;
}

// Whatever is accepted is a list in order, and reads back as itself.
TEST(ParseProcessors, RandomTexts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::string_view kLetters = "0123456789--,,,, x";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += kLetters[random() % kLetters.size()];
    const auto list = parse_processors(text);
    if (!list) continue;
    std::string again;
    for (std::size_t j = 0; j < list->size(); ++j) {
      if (j > 0) {
        EXPECT_LT((*list)[j - 1], (*list)[j]) << text;
      }
      again += (j > 0 ? "," : "") + std::to_string((*list)[j]);
    }
    EXPECT_EQ(parse_processors(again), list) << text;
  }
}

}  // namespace
}  // namespace lathe::os
