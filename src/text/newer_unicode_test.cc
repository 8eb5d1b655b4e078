#include "text/newer_unicode.h"

#include <gtest/gtest.h>

#include "text/unicode.h"

namespace lathe::text {
namespace {

// U+11943 has had a combining class since Unicode 13 and would move before U+0953.
TEST(NewerUnicode, MarksOfLaterVersionsStayInPlace) {
  const std::string text = "a\u0953\U00011943";
  EXPECT_EQ(normalize(text, NormalForm::nfc), text);
  EXPECT_EQ(normalize("a\u0953\u0334", NormalForm::nfd), "a\u0334\u0953");  // a mark of version 1
}

TEST(NewerUnicode, LaterDecompositionsAndCompositionsAreNotMade) {
  EXPECT_EQ(normalize("\U00011938", NormalForm::nfd), "\U00011938");
  EXPECT_EQ(normalize("\U00011935\U00011930", NormalForm::nfc), "\U00011935\U00011930");
  EXPECT_EQ(normalize("\u32FF", NormalForm::nfkc), "\u32FF");
  EXPECT_EQ(normalize("\u32FE", NormalForm::nfkc), "\u30F2");
}

TEST(NewerUnicode, TableHasItsBoundsAndNothingBeside) {
  EXPECT_FALSE(is_normalized_since_unicode_9('a'));
  EXPECT_FALSE(is_normalized_since_unicode_9(0xE9));
  EXPECT_TRUE(is_normalized_since_unicode_9(0x10787));
  EXPECT_TRUE(is_normalized_since_unicode_9(0x107B0));
  EXPECT_FALSE(is_normalized_since_unicode_9(0x107B1));
  EXPECT_FALSE(is_normalized_since_unicode_9(0x10FFFF));
}

}  // namespace
}  // namespace lathe::text
