#include "formats/json.h"

#include <gtest/gtest.h>

#include "formats/foreign_text.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

TEST(Json, ReadsEveryKindOfValue) {
  const auto value = parse_json(R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->dump(), R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}})");
}

TEST(Json, DamageNamesTheByte) {
  expect_error(parse_json("{\"a\": tru}"), ErrorKind::bad_input, "byte 10");
  expect_error(parse_json(""), ErrorKind::bad_input, "JSON");
  expect_error(parse_json("{} {}"), ErrorKind::bad_input, "JSON");
  expect_error(parse_json("\"\xff\""), ErrorKind::bad_input, "JSON");
  expect_error(parse_json("1e999"), ErrorKind::bad_input, "JSON");
}

TEST(Json, DuplicateKeysAreRefused) {
  expect_error(parse_json(R"({"a":{"k":1,"k":2}})"), ErrorKind::bad_input, "\"k\" stands twice");
  expect_error(parse_json(R"({"k":{},"k":1})"), ErrorKind::bad_input, "stands twice");
}

TEST(Json, DepthSizeAndCountAreBounded) {
  const std::string deep(100'000, '[');
  expect_error(parse_json(deep), ErrorKind::limit, "deeper than 32");
  EXPECT_TRUE(parse_json("[[[]]]", {.max_depth = 3}).ok());
  expect_error(parse_json("[[[]]]", {.max_depth = 2}), ErrorKind::limit, "deeper than 2");
  expect_error(parse_json("[1,2,3]", {.max_values = 3}), ErrorKind::limit, "more than 3 values");
  expect_error(parse_json("[1,2,3]", {.max_bytes = 6}), ErrorKind::limit, "7 bytes");
}

TEST(JsonFields, TypesAreHeldAndNamed) {
  const auto object =
      parse_json(R"({"i":3,"f":2.5,"s":"x","n":null,"big":1e30,"u":18446744073709551615})");
  const JsonFields fields(*object, "outer.");
  EXPECT_EQ(fields.get_int("i").value(), 3);
  EXPECT_EQ(fields.get_number("i").value(), 3.0);
  EXPECT_EQ(fields.find_int("n").value(), std::nullopt);
  EXPECT_EQ(fields.find_int("absent").value(), std::nullopt);
  EXPECT_TRUE(fields.mentions("n"));
  expect_error(fields.get_int("f"), ErrorKind::bad_input, "outer.f is 2.5, not an integer");
  expect_error(fields.get_int("big"), ErrorKind::bad_input, "outer.big");
  expect_error(fields.get_int("u"), ErrorKind::bad_input, "outer.u");
  expect_error(fields.get_int("n"), ErrorKind::bad_input, "outer.n is missing");
  expect_error(fields.find_bool("s"), ErrorKind::bad_input, "not true or false");
  expect_error(fields.find_string("i"), ErrorKind::bad_input, "not a string");
  expect_error(fields.find_strings("s"), ErrorKind::bad_input, "not a list of strings");
}

TEST(ForeignText, QuotesAreShortAndPrintable) {
  EXPECT_EQ(in_quotes("plain ü"), "\"plain ü\"");
  EXPECT_EQ(in_quotes(std::string_view("a\n\x1b\0\xff", 5)), "\"a\\x0a\\x1b\\x00\\xff\"");
  EXPECT_LT(in_quotes(std::string(10'000, 'x')).size(), 110u);
}

TEST(ForeignText, Utf8IsStrict) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
    EXPECT_FALSE(is_utf8(bad)) << in_quotes(bad);
}

}  // namespace
}  // namespace lathe::formats
