#include "store/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/names.h"

namespace lathe::store {
namespace {

using testing::ElementsAre;

TEST(Reference, EachFormParsesAndPrintsBack) {
  for (const char* text : {"starter", "org/starter", "starter+lora", "org/starter+lora+handbook",
                           "helpdesk@2", "helpdesk@9223372036854775807"}) {
    const auto reference = parse_reference(text);
    ASSERT_TRUE(reference.ok()) << reference.error().message();
    EXPECT_EQ(to_string(*reference), text);
  }
}

TEST(Reference, PartsAreWhereTheyBelong) {
  const Reference reference = parse_reference("org/starter+b+a").value();
  EXPECT_EQ(reference.name, "org/starter");
  EXPECT_THAT(reference.adaptations, ElementsAre("b", "a"));
  EXPECT_FALSE(reference.version.has_value());
  EXPECT_EQ(parse_reference("helpdesk@12").value().version, 12);
}

TEST(Reference, BadTextIsRefused) {
  std::string many = "starter";
  for (int i = 0; i < 17; ++i) many += "+a" + std::to_string(i);
  for (const std::string& text : {std::string(),
                                  std::string("+"),
                                  std::string("@"),
                                  std::string("starter+"),
                                  std::string("starter++a"),
                                  std::string("+a"),
                                  std::string("starter+a+a"),
                                  std::string("d@"),
                                  std::string("d@0"),
                                  std::string("d@-1"),
                                  std::string("d@1x"),
                                  std::string("d@01x"),
                                  std::string("d@ 1"),
                                  std::string("d@+1"),
                                  std::string("d@1@2"),
                                  std::string("d@9223372036854775808"),
                                  std::string("d@2+a"),
                                  std::string("a+b@2"),
                                  std::string("a/b/c"),
                                  std::string("../x"),
                                  std::string("a+../x"),
                                  std::string("a+b/c"),
                                  many,
                                  std::string(100000, 'a')}) {
    const auto reference = parse_reference(text);
    ASSERT_FALSE(reference.ok()) << text;
    EXPECT_EQ(reference.error().kind, ErrorKind::bad_input);
  }
}

}  // namespace
}  // namespace lathe::store
