#include "text/known_split.h"

#include <gmock/gmock.h>

#include "text/pre_tokenizer_names.h"
#include "text/split_stage.h"
#include "text/testing.h"

namespace lathe::text {
namespace {

std::vector<std::string> cut(const PreTokenizerStage& stage, std::string_view text) {
  std::vector<std::string> words;
  const Status status = stage.run({text, true}, [&](Piece word) { words.emplace_back(word.text); });
  EXPECT_TRUE(status.ok());
  return words;
}

const std::vector<std::string>& patterns() {
  static const std::vector<std::string> the = {
      kGpt2Pattern,
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
  return the;
}

class KnownSplit : public testing::TestWithParam<std::size_t> {
 protected:
  void expect_equal(std::string_view text) const {
    ASSERT_EQ(cut(*known_, text), cut(regex_, text)) << text;
  }
  const std::string pattern_ = patterns()[GetParam()];
  std::shared_ptr<const PreTokenizerStage> known_ = known_split(pattern_);
  SplitStage regex_{Regex::compile(pattern_).value(), SplitBehavior::isolated, false};
};

TEST_P(KnownSplit, CutsEveryCharacterAsTheRegexDoes) {
  ASSERT_NE(known_, nullptr);
  std::string text;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    append_utf8(text, c);
    text += c % 3 == 0 ? " " : c % 3 == 1 ? "a" : "1";
    if (c % 4096 != 4095) continue;
    expect_equal(text);
    text.clear();
  }
}

TEST_P(KnownSplit, CutsRandomTextsAsTheRegexDoes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  const char* const stretches[] = {"'s",  "'S",     "'\u017f", "'LL",    "'r",     "' ", "  ",
                                   " \n", "\r\n\r", "\t",      "\u00a0", "\u3000", "a",  "\u00e9",
                                   "1",   "\u00bd", "12345",   "!?",     "$"};
  for (int i = 0; i < 3000; ++i) {
    std::string text = random.valid(random.below(20));
    for (std::size_t n = random.below(8); n > 0; --n)
      text += stretches[random.below(std::size(stretches))];
    expect_equal(text + random.valid(random.below(5)));
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, KnownSplit, testing::Values(0, 1, 2));

TEST(KnownSplit, OtherPatternsAreNotKnown) { EXPECT_EQ(known_split("\\p{L}+"), nullptr); }

}  // namespace
}  // namespace lathe::text
