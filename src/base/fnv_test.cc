#include "base/fnv.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

std::uint64_t fnv(std::string_view bytes) {
  Fnv64 hash;
  hash.add(bytes);
  return hash.value();
}

// The vectors of the FNV draft.
TEST(Fnv64, GivesThePublishedValues) {
  EXPECT_EQ(fnv(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(fnv("foobar"), 0x85944171f73967e8u);
}

TEST(Fnv64, FieldsDoNotRunIntoEachOther) {
  Fnv64 a, b;
  a.add_field("ab"), a.add_field("c");
  b.add_field("a"), b.add_field("bc");
  EXPECT_NE(a.value(), b.value());
}

}  // namespace
}  // namespace lathe
