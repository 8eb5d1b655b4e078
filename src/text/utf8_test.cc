#include "text/utf8.h"

#include "text/byte_level.h"
#include "text/testing.h"

namespace lathe::text {
namespace {

using Kind = Utf8Step::Kind;

TEST(Utf8, WritesAndReadsEveryCharacter) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const Utf8Step step = utf8_step(text);
    ASSERT_EQ(step.kind, Kind::character) << static_cast<unsigned>(c);
    ASSERT_EQ(step.code_point, c);
    ASSERT_EQ(step.length, text.size());
    ASSERT_EQ(utf8_length(text[0]), text.size());
  }
}

// Unicode 15, table 3-8 and the paragraphs before it.
TEST(Utf8, ReplacesEachMaximalIllFormedPartOnce) {
  const std::string r(kReplacementCharacter);
  EXPECT_EQ(to_valid_utf8("a\xF1\x80\x80\xE1\x80\xC2z\x80"), "a" + r + r + r + "z" + r);
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), r + r);                  // overlong
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), r + r + r);          // a surrogate
  EXPECT_EQ(to_valid_utf8("\xF4\x90\x80\x80"), r + r + r + r);  // past U+10FFFF
  EXPECT_EQ(to_valid_utf8("\xE2\x82"), r);
  EXPECT_EQ(to_valid_utf8(std::string("\0\xFF", 2)), std::string(1, '\0') + r);
}

TEST(Utf8, TellsIncompleteFromIllFormed) {
  EXPECT_EQ(utf8_step("\xF0\x9F\x8C").kind, Kind::incomplete);
  EXPECT_EQ(utf8_step("\xF0\x9F\x8C").length, 3u);
  EXPECT_EQ(utf8_step("\xF0\x80\x8C").kind, Kind::ill_formed);
  EXPECT_EQ(utf8_step("\x80").kind, Kind::ill_formed);
}

TEST(Utf8, ValidityAgreesWithReplacement) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = random.damaged(random.below(40));
    EXPECT_EQ(is_valid_utf8(text), to_valid_utf8(text) == text);
    EXPECT_TRUE(is_valid_utf8(to_valid_utf8(text)));
  }
}

TEST(ByteLevel, IsTheAlphabetOfGpt2) {
  EXPECT_EQ(to_alphabet(" a\n"),
            "\xC4\xA0"
            "a\xC4\x8A");                         // Ġ a Ċ
  EXPECT_EQ(byte_to_alphabet(0), "\xC4\x80");     // U+0100
  EXPECT_EQ(byte_to_alphabet(0xAD), "\xC5\x83");  // U+0143, the last
  EXPECT_EQ(byte_to_alphabet(0xFF), "\xC3\xBF");  // stands for itself
  EXPECT_EQ(bytes_in_alphabet_order().front(), '!');
  EXPECT_EQ(bytes_in_alphabet_order().back(), 0xAD);
}

TEST(ByteLevel, GoesBackAndForth) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(static_cast<unsigned char>(byte));
  EXPECT_TRUE(is_valid_utf8(to_alphabet(all)));
  EXPECT_EQ(from_alphabet(to_alphabet(all)), all);
  EXPECT_EQ(from_alphabet(" "), std::nullopt);
  EXPECT_EQ(from_alphabet("\xE2\x96\x81"), std::nullopt);
}

}  // namespace
}  // namespace lathe::text
