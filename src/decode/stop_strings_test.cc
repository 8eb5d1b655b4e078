#include "decode/stop_strings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace lathe::decode {
namespace {

using Stops = std::vector<std::string>;

TEST(StopStrings, FindsOneAcrossPieces) {
  StopStrings stops(Stops{"END"});
  EXPECT_EQ(stops.push("one E"), "one ");
  EXPECT_EQ(stops.push("N"), "");
  EXPECT_EQ(stops.push("D and more"), "");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.flush(), "");
}

TEST(StopStrings, LetsGoWhatTurnsOutToBePlain) {
  StopStrings stops(Stops{"END"});
  EXPECT_EQ(stops.push("EN"), "");
  EXPECT_EQ(stops.push("EX"), "ENEX");
  EXPECT_EQ(stops.push("E"), "");
  EXPECT_EQ(stops.flush(), "E");
  EXPECT_FALSE(stops.found());
}

TEST(StopStrings, FallsBackInsideItself) {
  StopStrings stops(Stops{"aab"});
  EXPECT_EQ(stops.push("aaab"), "a");
  EXPECT_TRUE(stops.found());
}

TEST(StopStrings, TakesTheFirstCompleteAndTheLongestOfThose) {
  StopStrings first(Stops{"abcd", "bc"});
  EXPECT_EQ(first.push("xabcd"), "xa");
  StopStrings longest(Stops{"c", "bc"});
  EXPECT_EQ(longest.push("xabcd"), "xa");
}

// What a reading of the whole text says.
std::pair<std::string, bool> by_search(const std::string& text, const Stops& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& s : stops) {
      if (s.size() <= end && text.compare(end - s.size(), s.size(), s) == 0)
        longest = std::max(longest, s.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

TEST(StopStrings, AgreesWithSearchHoweverTheTextIsCut) {
  const std::uint32_t seed = 11;
  std::mt19937 random(seed);
  const auto text_of = [&](std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int trial = 0; trial < 3000; ++trial) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", trial " << trial);
    Stops strings;
    for (std::size_t i = 0; i <= random() % 3; ++i) strings.push_back(text_of(1 + random() % 6));
    const std::string text = text_of(random() % 40);
    StopStrings stops(strings);
    std::string out;
    for (std::size_t at = 0; at < text.size() && !stops.found();) {
      const std::size_t length = std::min<std::size_t>(text.size() - at, 1 + random() % 4);
      out += stops.push(std::string_view(text).substr(at, length));
      at += length;
    }
    out += stops.flush();
    const auto [expected, found] = by_search(text, strings);
    EXPECT_EQ(out, expected);
    EXPECT_EQ(stops.found(), found);
  }
}

TEST(StopStrings, RefusesEmptyLongAndMany) {
  EXPECT_TRUE(check_stop_strings(Stops{"x", "\n\n"}).ok());
  EXPECT_FALSE(check_stop_strings(Stops{"x", ""}).ok());
  EXPECT_FALSE(check_stop_strings(Stops{std::string(kMaxStopBytes + 1, 'x')}).ok());
  EXPECT_FALSE(check_stop_strings(Stops(kMaxStopStrings + 1, "x")).ok());
}

}  // namespace
}  // namespace lathe::decode
