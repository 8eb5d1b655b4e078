#include "base/fnv.h"

#include <gtest/gtest.h>

#include <string>

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

TEST(Fnv64OfWords, SeesEveryBitAndTheLength) {
  std::string bytes(203, '\0');
  const auto hash = [&] {
    return fnv64_of_words(std::as_bytes(std::span(bytes.data(), bytes.size())));
  };
  const std::uint64_t of_zeros = hash();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<char>(1 << bit);
      EXPECT_NE(hash(), of_zeros) << "byte " << at << ", bit " << bit;
    }
    bytes[at] = 0;
  }
  EXPECT_EQ(hash(), of_zeros);
  bytes.resize(139);  // one round less
  EXPECT_NE(hash(), of_zeros);
}

}  // namespace
}  // namespace lathe
