#include "store/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Names, OrdinaryNamesAreAllowed) {
  for (const char* name : {"starter", "a", "7", "Qwen2.5-0.5B_instruct", "v1.0", "a_"}) {
    EXPECT_TRUE(check_name(name, "deployment").ok()) << name;
    EXPECT_TRUE(check_model_name(name).ok()) << name;
  }
  EXPECT_TRUE(check_model_name("org/starter").ok());
  EXPECT_TRUE(check_name(std::string(64, 'a'), "deployment").ok());
}

TEST(Names, WhatCouldLeaveTheHomeOrConfuseReferencesIsRefused) {
  const std::string too_long(65, 'a');
  const std::string with_nul("a\0b", 3);
  for (const std::string& name : {std::string(),
                                  std::string(".."),
                                  std::string("a..b"),
                                  std::string("../etc"),
                                  std::string(".hidden"),
                                  std::string("-rf"),
                                  std::string("_x"),
                                  std::string("a."),
                                  std::string("a-"),
                                  std::string("a b"),
                                  std::string("a+b"),
                                  std::string("a@1"),
                                  std::string("a\\b"),
                                  std::string("a\n"),
                                  std::string("a~b"),
                                  std::string("caf\xc3\xa9"),
                                  std::string("a:b"),
                                  std::string("a%2fb"),
                                  too_long,
                                  with_nul}) {
    EXPECT_FALSE(check_name(name, "deployment").ok()) << name;
    EXPECT_FALSE(check_model_name(name).ok()) << name;
  }
  EXPECT_FALSE(check_name("org/starter", "deployment").ok());
  for (const char* name : {"/", "a/", "/a", "a/b/c", "a//b", "../b", "a/..", "a/.b", "./b"}) {
    EXPECT_FALSE(check_model_name(name).ok()) << name;
  }
}

TEST(Names, ErrorSaysWhichRuleIsBroken) {
  EXPECT_THAT(check_name("a b", "deployment").error().message(), HasSubstr("the character ' '"));
  EXPECT_THAT(check_name("a\n", "deployment").error().message(), HasSubstr("0x0a"));
  EXPECT_THAT(check_model_name("org/a b").error().message(), HasSubstr("in 'a b'"));
  EXPECT_THAT(check_name(std::string(9000, 'x'), "deployment").error().message().size(),
              testing::Lt(500u));
}

TEST(Names, RelativePathsStayInside) {
  EXPECT_TRUE(check_relative_path("models/starter/model.gguf").ok());
  EXPECT_TRUE(check_relative_path("models/org~name").ok());
  for (const char* path :
       {"", "/etc/passwd", "a/../b", "..", "a/..", "./a", "a//b", "a/", "a\nb"}) {
    EXPECT_FALSE(check_relative_path(path).ok()) << path;
  }
  EXPECT_FALSE(check_relative_path(std::string(401, 'a')).ok());
}

TEST(Names, NearNamesAreTheOnesMeant) {
  const std::vector<std::string> known = {"helpdesk", "starter", "starter-large", "org/tiny"};
  EXPECT_THAT(near_names("startr", known), ElementsAre("starter"));
  EXPECT_THAT(near_names("Starter", known), ElementsAre("starter", "starter-large"));
  EXPECT_THAT(near_names("hlepdesk", known), ElementsAre("helpdesk"));  // one swap
  EXPECT_THAT(near_names("tiny", known), ElementsAre("org/tiny"));
  EXPECT_THAT(near_names("zebra", known), IsEmpty());
  EXPECT_THAT(near_names("", known), IsEmpty());
  EXPECT_THAT(near_names(std::string(100000, 's'), known), IsEmpty());
}

TEST(Names, UnknownNameSuggestsOrFallsBack) {
  const std::vector<std::string> known = {"starter"};
  EXPECT_EQ(unknown_name("model", "startr", known, "import one").message(),
            "no model 'startr'; did you mean 'starter'?");
  EXPECT_EQ(unknown_name("model", "zebra", known, "import one").message(),
            "no model 'zebra'; import one");
}

}  // namespace
}  // namespace lathe::store
