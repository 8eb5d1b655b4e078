#include "text/jinja/json.h"

#include <gtest/gtest.h>

namespace lathe::text::jinja {
namespace {

Result<std::string> round_trip(std::string_view text) {
  Budget budget{Limits{}};
  LATHE_TRY(const Value value, read_json(text));
  return write_json(budget, value);
}

TEST(Json, KeepsOrderAndWritesAsPython) {
  const auto text = round_trip(R"({"b":1,"a":[1.0,1e20,-0.0,true,null,"é\u0007"],"":{}})");
  ASSERT_TRUE(text.ok()) << text.error().message();
  EXPECT_EQ(text.value(),
            "{\"b\": 1, \"a\": [1.0, 1e+20, -0.0, true, null, \"é\\u0007\"], \"\": {}}");
}

TEST(Json, TheLastOfTwoMembersCountsAtTheFirstPlace) {
  EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})").value(), R"({"a": 3, "b": 2})");
}

TEST(Json, FindsMembersOfLargeObjects) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i)
    text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  text += ",\"k7\":-1}";
  const auto value = read_json(text);
  ASSERT_TRUE(value.ok());
  const Mapping& mapping = *value.value().mapping();
  EXPECT_EQ(mapping.size(), 1000u);
  EXPECT_EQ(*mapping.find(std::string_view("k999"))->integer(), 999);
  EXPECT_EQ(*mapping.find(std::string_view("k7"))->integer(), -1);
  EXPECT_EQ(mapping.find(std::string_view("k1000")), nullptr);
}

TEST(Json, RefusesWhatItCannotHold) {
  EXPECT_EQ(read_json(std::string(5000, '9')).error().kind, ErrorKind::limit);
  EXPECT_EQ(read_json(std::string(200'000, '[')).error().kind, ErrorKind::limit);
  for (const std::string_view bad :
       {"", "{", "[1,]", "{\"a\":1}x", "nul", "\"\xff\"", "1e999", "'a'"}) {
    const auto value = read_json(bad);
    ASSERT_FALSE(value.ok()) << bad;
    EXPECT_EQ(value.error().kind, ErrorKind::bad_input) << bad;
    EXPECT_NE(value.error().what.find("byte"), std::string::npos) << value.error().what;
  }
}

}  // namespace
}  // namespace lathe::text::jinja
