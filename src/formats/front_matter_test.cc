#include "formats/front_matter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"

namespace lathe::formats {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(FrontMatter, FieldsAreTextsOrLists) {
  const auto found = read_front_matter(
      "---\n"
      "license: other\n"
      "license_name: \"my license\"\n"
      "license_link: https://example.org/license\n"
      "language:\n- en\n- de\n"
      "tags: [chat, \"a: b\"]\n"
      "base_model: org/base\n"
      "pipeline_tag: text-generation\n"
      "widget:\n- text: hello\n  tags: [not, these]\n"
      "model-index:\n- name: x\n  results: [{license: nor-this}]\n"
      "---\n# A model\nlicense: not this\n");
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->license, "my license");
  EXPECT_EQ(found->license_link, "https://example.org/license");
  EXPECT_THAT(found->languages, ElementsAre("en", "de"));
  EXPECT_THAT(found->tags, ElementsAre("chat", "a: b"));
  EXPECT_THAT(found->base_models, ElementsAre("org/base"));
  EXPECT_EQ(found->pipeline, "text-generation");
}

TEST(FrontMatter, OneLanguageAndOtherLineEndings) {
  const auto found =
      read_front_matter("\xEF\xBB\xBF---\r\nlicense: mit\r\nlanguage: en\r\n---\r\n");
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->license, "mit");
  EXPECT_THAT(found->languages, ElementsAre("en"));
}

TEST(FrontMatter, ATextWithoutOneSaysNothing) {
  for (const char* text : {"", "# A model\n", "---", "---\n", "---\nlicense: mit\n", "--- x ---"}) {
    const auto found = read_front_matter(text);
    ASSERT_TRUE(found.ok()) << text;
    EXPECT_TRUE(found->license.empty()) << text;
    EXPECT_THAT(found->tags, IsEmpty()) << text;
  }
}

TEST(FrontMatter, WhatIsNoYamlIsNamed) {
  expect_error(read_front_matter("---\nlicense: [\n---\n"), ErrorKind::bad_input, "line");
  expect_error(read_front_matter("---\na: b: c: \xFF\n---\n"), ErrorKind::bad_input, "no YAML");
}

TEST(FrontMatter, IsBounded) {
  expect_error(read_front_matter("---\na: " + std::string(2'000'000, 'x') + "\n---\n"),
               ErrorKind::limit, "1 MiB");
  expect_error(
      read_front_matter("---\na: " + std::string(40, '[') + std::string(40, ']') + "\n---\n"),
      ErrorKind::limit, "nested");
  std::string many = "---\ntags:\n";
  for (int i = 0; i < 1001; ++i) many += "- x\n";
  expect_error(read_front_matter(many + "---\n"), ErrorKind::limit, "1000");
  // An alias is not followed: the classical bomb stays small.
  const auto bomb =
      read_front_matter("---\na: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nlicense: mit\n---\n");
  ASSERT_TRUE(bomb.ok()) << bomb.error().message();
  EXPECT_EQ(bomb->license, "mit");
}

}  // namespace
}  // namespace lathe::formats
