#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/normalizer.h"
#include "text/pre_tokenizer_names.h"

namespace lathe::text {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using Words = std::vector<std::string>;

Words cut(const char* component, std::string_view text, bool first = true) {
  const auto pre = PreTokenizer::from_json(json::parse(component));
  EXPECT_TRUE(pre.ok()) << (pre.ok() ? "" : pre.error().message());
  Words words;
  if (!pre.ok()) return words;
  const Status status = pre->run({text, first}, [&](Piece word) { words.emplace_back(word.text); });
  EXPECT_TRUE(status.ok());
  return words;
}

Words split(const char* behavior, bool invert = false) {
  const json component = {{"type", "Split"},
                          {"pattern", {{"String", "-"}}},
                          {"behavior", behavior},
                          {"invert", invert}};
  return cut(component.dump().c_str(), "the-final--countdown");
}

// The examples of the format's documentation for "the-final--countdown".
TEST(PreTokenizer, SplitsInFiveWays) {
  EXPECT_THAT(split("Removed"), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(split("Isolated"), ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(split("MergedWithPrevious"), ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(split("MergedWithNext"), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(split("Contiguous"), ElementsAre("the", "-", "final", "--", "countdown"));
  EXPECT_THAT(split("Removed", true), ElementsAre("-", "-", "-"));
}

TEST(PreTokenizer, ByteLevelCutsAsGpt2) {
  const char* gpt2 = R"({"type":"ByteLevel","add_prefix_space":false})";
  EXPECT_THAT(cut(gpt2, "Hello  world's 12\n\nx "),
              ElementsAre("Hello", " ", " world", "'s", " 12", "\n", "\n", "x", " "));
  EXPECT_THAT(cut(R"({"type":"ByteLevel"})", "a b"), ElementsAre(" a", " b"));
  EXPECT_THAT(cut(R"({"type":"ByteLevel","use_regex":false,"add_prefix_space":false})", "a b"),
              ElementsAre("a b"));
}

TEST(PreTokenizer, StagesAfterByteLevelReadItsAlphabet) {
  const NamedPreTokenizer* falcon = find_pre_tokenizer("falcon");
  ASSERT_NE(falcon, nullptr);
  EXPECT_THAT(cut(falcon->pre_tokenizer.c_str(), "a 12345!?"),
              ElementsAre("a", " ", "123", "45", "!?"));
  // The bytes of "²" (C2 B2) are written "Â²": the second is a digit to the stage that follows.
  EXPECT_THAT(cut(falcon->pre_tokenizer.c_str(), "\xC2\xB2"), ElementsAre("\xC2", "\xB2"));
}

TEST(PreTokenizer, OtherTypes) {
  EXPECT_THAT(cut(R"({"type":"Digits","individual_digits":true})", "a12"),
              ElementsAre("a", "1", "2"));
  EXPECT_THAT(cut(R"({"type":"Digits"})", "a12"), ElementsAre("a", "12"));
  EXPECT_THAT(cut(R"({"type":"Punctuation"})", "a!?$"), ElementsAre("a", "!", "?", "$"));
  EXPECT_THAT(cut(R"({"type":"Whitespace"})", "a, b_c  d"), ElementsAre("a", ",", "b_c", "d"));
  EXPECT_THAT(cut(R"({"type":"WhitespaceSplit"})", " a, b "), ElementsAre("a,", "b"));
  EXPECT_THAT(cut(R"({"type":"CharDelimiterSplit","delimiter":"x"})", "axxb"),
              ElementsAre("a", "b"));
}

TEST(PreTokenizer, MetaspacePutsItsSignInFront) {
  const char* always = R"({"type":"Metaspace","replacement":"_","prepend_scheme":"always"})";
  EXPECT_THAT(cut(always, "a  b"), ElementsAre("_a", "_", "_b"));
  EXPECT_THAT(cut(always, " a"), ElementsAre("_a"));
  const char* first =
      R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":false})";
  EXPECT_THAT(cut(first, "a b"), ElementsAre("_a_b"));
  EXPECT_THAT(cut(first, "a b", false), ElementsAre("a_b"));
  EXPECT_THAT(cut(R"({"type":"Metaspace","replacement":"_","add_prefix_space":false})", "a b"),
              ElementsAre("a", "_b"));
}

TEST(PreTokenizer, NamesGoBothWays) {
  for (const char* name : {"falcon", "gpt-2", "llama-bpe", "qwen2", "smollm", "tekken", "gpt-4o",
                           "dbrx", "stablelm2", "command-r", "deepseek-coder", "deepseek-v3",
                           "bloom", "viking", "bailingmoe", "seed-coder", "default"}) {
    const NamedPreTokenizer* named = find_pre_tokenizer(name);
    ASSERT_NE(named, nullptr) << name;
    EXPECT_TRUE(PreTokenizer::from_json(json::parse(named->pre_tokenizer)).ok()) << name;
    EXPECT_EQ(
        match_pre_tokenizer(named->normalizer, named->pre_tokenizer, named->habits.ignore_merges),
        named);
  }
  EXPECT_EQ(find_pre_tokenizer("llama3"), find_pre_tokenizer("llama-bpe"));
  EXPECT_EQ(find_pre_tokenizer("unheard-of"), nullptr);
}

TEST(PreTokenizer, BertCutsAtSpaceAndSigns) {
  constexpr const char* kBert = R"({"type":"BertPreTokenizer"})";
  EXPECT_THAT(cut(kBert, " a,b  c$d\n"), ElementsAre("a", ",", "b", "c", "$", "d"));
  // Signs that Unicode got after version 8 are none for BERT's vocabularies.
  EXPECT_THAT(cut(kBert, "a\u2e52b"), ElementsAre("a\u2e52b"));
}

TEST(PreTokenizer, PatternsKnowTheLettersOfUnicode16) {
  constexpr const char* kLetters =
      R"({"type":"Split","pattern":{"Regex":"\\p{L}+"},"behavior":"Removed","invert":true})";
  EXPECT_THAT(cut(kLetters, "1\U00010D50\u1C8A2"), ElementsAre("\U00010D50\u1C8A"));
}

std::string normalized(const char* component, std::string_view text) {
  const auto normalizer = Normalizer::from_json(json::parse(component));
  EXPECT_TRUE(normalizer.ok());
  return normalizer.ok() ? normalizer->apply(text).value() : "";
}

TEST(Normalizer, RewritesByEachType) {
  EXPECT_EQ(normalized("null", "A b"), "A b");
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(normalized(R"({"type":"NFD"})", "\xC3\xA9"), "e\xCC\x81");
  EXPECT_EQ(normalized(R"({"type":"NFKC"})", "\xEF\xAC\x81\xC2\xB2"), "fi2");
  EXPECT_EQ(normalized(R"({"type":"NFKD"})", std::string("\xC3\xA9\0x", 4)),
            std::string("e\xCC\x81\0x", 5));
  EXPECT_EQ(normalized(R"({"type":"Lowercase"})", "A\xC3\x89\xC4\xB0\xCE\xA3"),
            "a\xC3\xA9i\xCC\x87\xCF\x83");
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer"})", "\u00c9a\x01\t\u4e00"), "ea  \u4e00 ");
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer","lowercase":false})", "\u00c9"), "\u00c9");
  EXPECT_EQ(normalized(R"({"type":"StripAccents"})", "e\u0301\u00e9"), "e\u00e9");
  EXPECT_EQ(normalized(R"({"type":"Nmt"})", "a\x02\u200b\u2581\r"), "a   ");
  EXPECT_EQ(normalized(R"({"type":"ByteLevel"})", " a"), "\u0120a");
  EXPECT_EQ(normalized(R"({"type":"Prepend","prepend":"_"})", "a"), "_a");
  EXPECT_EQ(normalized(R"({"type":"Prepend","prepend":"_"})", ""), "");
  EXPECT_EQ(
      normalized(R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":"."})", "a   b c"),
      "a.b c");
  EXPECT_EQ(normalized(R"({"type":"Replace","pattern":{"String":"."},"content":"!"})", "a.b"),
            "a!b");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":true,"strip_right":false})",
                       " \xC2\xA0"
                       "a "),
            "a ");
  EXPECT_EQ(
      normalized(
          R"({"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Prepend","prepend":"X"}]})",
          "A"),
      "Xa");
}

}  // namespace
}  // namespace lathe::text
