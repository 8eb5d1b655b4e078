#include "text/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lathe::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> matches(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex.ok()) << pattern;
  std::vector<std::string> out;
  Regex::Matcher matcher(*regex, text);
  while (const auto span = matcher.next().value())
    out.emplace_back(text.substr(span->begin, span->end - span->begin));
  return out;
}

TEST(Regex, FindsOneAfterTheOther) {
  EXPECT_THAT(matches("\\p{L}+|\\p{N}", "ab12 \xC3\xA9t\xC3\xA9"),
              ElementsAre("ab", "1", "2", "\xC3\xA9t\xC3\xA9"));
  EXPECT_THAT(matches("(?!)", "abc"), ElementsAre());
  EXPECT_THAT(matches("b*", "abb"), ElementsAre("", "bb"));
  EXPECT_THAT(matches("(?i:'S)", "it's"), ElementsAre("'s"));
  EXPECT_THAT(matches("^a", "a\na"), ElementsAre("a", "a"));
}

TEST(Regex, ClassesHaveOnigurumasMeaning) {
  EXPECT_THAT(matches("\\s",
                      "a\xC2\x85"
                      "b\xE1\xA0\x8E"
                      "c\xC2\xA0"),
              ElementsAre("\xC2\x85", "\xC2\xA0"));
  EXPECT_THAT(matches("[^\\s]", " \xE1\xA0\x8E"), ElementsAre("\xE1\xA0\x8E"));
  EXPECT_THAT(matches("\\S+", "a b"), ElementsAre("a", "b"));
  EXPECT_THAT(matches("\\w+", "e\xCC\x81_1 -"), ElementsAre("e\xCC\x81_1"));
  EXPECT_THAT(matches("\\h+", "xyz0fG \t"), ElementsAre("0f"));
  EXPECT_THAT(matches("\\u0041", "BA"), ElementsAre("A"));
}

TEST(Regex, LiteralsMeanThemselves) {
  const std::string text = "a.b*[c](d){2}\\-^$|?+/#& ~";
  const auto regex = Regex::literal(text);
  ASSERT_TRUE(regex.ok());
  const std::string twice = text + text;
  Regex::Matcher matcher(*regex, twice);
  EXPECT_EQ(matcher.next().value()->end, text.size());
  EXPECT_EQ(matcher.next().value()->end, 2 * text.size());
  EXPECT_FALSE(matcher.next().value().has_value());
}

TEST(Regex, ClassesInsideClassesAddTheirMembers) {
  EXPECT_THAT(matches("[^(\\s|[.,\u3002])]+", "ab. c|d"), ElementsAre("ab", "c", "d"));
  EXPECT_THAT(matches("[[:punct:]a]+", "a$\u20acb"), ElementsAre("a$\u20ac"));
}

TEST(Regex, RefusesWhatWouldMeanSomethingElse) {
  for (const char* pattern : {"[a&&b]", "[a[^b]]", "[a-[b]]", "[[a]-z]", "a{1,2}+", "\\bword",
                              "[\\S]", "(?m:a.b)", "a\\", "[[:alpha"})
    EXPECT_FALSE(Regex::compile(pattern).ok()) << pattern;
  EXPECT_TRUE(Regex::compile("\\p{L}+\\x{41}+[]a]").ok());
  const auto broken = Regex::compile("(a");
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.error().message(), HasSubstr("(a"));
  EXPECT_FALSE(Regex::compile(std::string(100'000, 'a')).ok());
}

// Every way of cutting the run into pieces is tried.
constexpr const char* kHostile = "(?:a+)+(?=b)";

TEST(Regex, ASearchThatTakesTooLongIsAnError) {
  const auto regex = Regex::compile(kHostile);
  ASSERT_TRUE(regex.ok());
  const std::string text(40, 'a');
  Regex::Matcher matcher(*regex, text);
  const auto found = matcher.next();
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, ErrorKind::limit);
  EXPECT_THAT(found.error().message(), HasSubstr("pattern `(?:a+)+(?=b)`"));
  EXPECT_THAT(found.error().message(), HasSubstr("a text of 40 bytes"));
  EXPECT_THAT(found.error().message(), HasSubstr("simplify the pattern"));
  EXPECT_FALSE(matcher.next().value().has_value());
  EXPECT_FALSE(regex->replace_all(text, "").ok());
}

TEST(Regex, DeepBacktrackingFallsBackToTheInterpreter) {
  const std::string text(200'000, 'a');
  EXPECT_THAT(matches("(?:a|b)*c|a+", text), ElementsAre(text));
}

}  // namespace
}  // namespace lathe::text
