#include "text/string_table.h"

#include <gtest/gtest.h>

#include <array>

namespace lathe::text {
namespace {

TEST(StringTable, HasTheStringsThatWereAdded) {
  StringTableBuilder builder;
  for (const char* text : {"one", "", "three"}) ASSERT_TRUE(builder.add(text).ok());
  const StringTableBuilder moved = std::move(builder);
  const StringTable table = moved.table();
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0], "one");
  EXPECT_EQ(table[1], "");
  EXPECT_EQ(table[2], "three");
  EXPECT_EQ(table[3], "");
  EXPECT_EQ(StringTable()[0], "");
}

TEST(StringTable, EndsThatContradictEachOtherGiveNothing) {
  const std::array<std::uint32_t, 4> ends = {2, 1, 9, 4};
  const StringTable table(ends, "abcd");
  EXPECT_EQ(table[0], "ab");
  EXPECT_EQ(table[1], "");  // ends before it begins
  EXPECT_EQ(table[2], "");  // ends behind the bytes
  EXPECT_EQ(table[3], "");  // begins behind them
}

}  // namespace
}  // namespace lathe::text
