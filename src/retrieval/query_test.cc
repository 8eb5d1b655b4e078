#include "retrieval/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> terms(std::string_view text) { return query_terms(text).value(); }

TEST(Query, StopWordsAndRepeatsGoAway) {
  EXPECT_THAT(terms("How long does the Battery of the battery last?"),
              ElementsAre("long", "battery", "last"));
}

TEST(Query, StopWordsStayWhenThereIsNothingElse) {
  EXPECT_THAT(terms("Who are you?"), ElementsAre("who", "are", "you"));
}

TEST(Query, SyntaxIsCutAway) {
  EXPECT_THAT(
      terms("title:battery* AND \"x y\" NEAR(a, 5) ^b -c {d} snake_case"),
      ElementsAre("title", "battery", "x", "y", "near", "5", "b", "c", "d", "snake", "case"));
  EXPECT_THAT(terms("\"\" ' ; -- () * ^ : + \t\n"), IsEmpty());
  EXPECT_THAT(terms(""), IsEmpty());
}

TEST(Query, LettersOfEveryScriptAreTermsAndBadBytesSeparate) {
  EXPECT_THAT(terms("“Café” Straße, ПРИВЕТ — 北京"),
              ElementsAre("café", "straße", "привет", "北京"));
  EXPECT_THAT(terms("one\xff\xfetwo\xc3"), ElementsAre("one", "two"));
  EXPECT_THAT(terms(std::string_view("nul\0byte", 8)), ElementsAre("nul", "byte"));
}

TEST(Query, QueriesAreQuoted) {
  EXPECT_EQ(fts_query({"long", "battery"}, Match::all), "\"long\" AND \"battery\"");
  EXPECT_EQ(fts_query({"long", "battery"}, Match::any), "\"long\" OR \"battery\"");
}

TEST(Query, ADocumentIsNoQuery) {
  std::string text;
  for (std::size_t i = 0; i <= kMaxQueryTerms; ++i) text += " w" + std::to_string(i);
  const auto refused = query_terms(text);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  EXPECT_TRUE(query_terms(std::string(10'000'000, '!')).ok());
}

}  // namespace
}  // namespace lathe::retrieval
