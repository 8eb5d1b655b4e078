// tokenizer.json: what is refused, by which words, and components one by one.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "text/testing.h"

namespace lathe::text {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

// A small character-level BPE: a b c, "ab", "abc", the control token <x>.
json small() {
  return json::parse(R"({
    "added_tokens": [{"id": 6, "content": "<x>", "special": true}],
    "model": {"type": "BPE", "unk_token": "?",
              "vocab": {"?": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5},
              "merges": ["a b", ["ab", "c"]]}})");
}

Result<Tokenizer> load(const json& file) { return Tokenizer::from_tokenizer_json(file.dump()); }

std::string error_of(const json& file) {
  const auto read = load(file);
  return read.ok() ? "no error" : read.error().message();
}

TEST(TokenizerJson, ReadsBothSpellingsOfMerges) {
  const auto tokenizer = load(small());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("abcab").value(), (Ids{5, 4}));
  EXPECT_EQ(tokenizer->encode("azzb").value(), (Ids{1, 0, 0, 2}));
}

TEST(TokenizerJson, FusesUnknownCharactersWhenAsked) {
  json file = small();
  file["model"]["fuse_unk"] = true;
  EXPECT_EQ(load(file)->encode("azzb").value(), (Ids{1, 0, 2}));
}

TEST(TokenizerJson, IgnoresMergesWhenAsked) {
  json file = small();
  file["model"]["vocab"]["cab"] = 7;
  EXPECT_EQ(load(file)->encode("cab").value(), (Ids{3, 4}));
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(load(file)->encode("cab").value(), (Ids{7}));
}

TEST(TokenizerJson, WithoutDecoderTokensAreJoinedBySpaces) {
  EXPECT_EQ(load(small())->decode(Ids{5, 6, 1}, {.skip_special = false}), "abc <x> a");
}

TEST(TokenizerJson, AddedTokensTakeSpaceAndMindWords) {
  json file = small();
  file["model"]["vocab"][" "] = 7;
  file["added_tokens"][0]["lstrip"] = true;
  EXPECT_EQ(load(file)->encode("a  <x> b", {.parse_special = true}).value(), (Ids{1, 6, 7, 2}));
  file["added_tokens"][0]["rstrip"] = true;
  EXPECT_EQ(load(file)->encode("a  <x> b", {.parse_special = true}).value(), (Ids{1, 6, 2}));
  file = small();
  file["added_tokens"][0]["content"] = "bb";
  file["added_tokens"][0]["single_word"] = true;
  EXPECT_EQ(load(file)->encode("abb.bb", {.parse_special = true}).value(), (Ids{4, 2, 0, 6}));
}

TEST(TokenizerJson, NormalizedAddedTokensAreFoundAfterTheNormalizer) {
  json file = small();
  file["normalizer"] = {{"type", "Lowercase"}};
  file["added_tokens"][0] = {
      {"id", 6}, {"content", "QQ"}, {"special", false}, {"normalized", true}};
  EXPECT_EQ(load(file)->encode("AqQb").value(), (Ids{1, 6, 2}));
  file["added_tokens"][0]["normalized"] = false;
  EXPECT_EQ(load(file)->encode("AqQb").value(), (Ids{1, 0, 0, 2}));
  EXPECT_EQ(load(file)->encode("AQQb").value(), (Ids{1, 6, 2}));
}

TEST(TokenizerJson, MergesNeverMakeControlTokens) {
  json file = small();
  file["added_tokens"][0] = {{"id", 5}, {"content", "abc"}, {"special", true}};
  const auto tokenizer = load(file);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->encode("abc", {.parse_special = true}).value(), (Ids{5}));
  EXPECT_EQ(tokenizer->encode("abc", {.parse_special = false}).value(), (Ids{4, 3}));
}

TEST(TokenizerJson, NamesUnknownComponents) {
  for (const char* place : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    json file = small();
    file[place] = {{"type", "Frobnicate"}};
    EXPECT_THAT(error_of(file), AllOf(HasSubstr("Frobnicate"), HasSubstr(place)));
    file[place] = json::array();
    EXPECT_THAT(error_of(file), HasSubstr(place));
    file[place] = {{"type", 3}};
    EXPECT_THAT(error_of(file), HasSubstr("type"));
  }
  json file = small();
  file["model"]["type"] = "Frobnicate";
  EXPECT_THAT(error_of(file), HasSubstr("Frobnicate"));
}

TEST(TokenizerJson, RefusesWhatItCannotDo) {
  json file = small();
  file["model"]["dropout"] = 0.1;
  EXPECT_THAT(error_of(file), HasSubstr("dropout"));
  file = small();
  json deep = {{"type", "NFC"}};
  for (int i = 0; i < 20; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
  file["normalizer"] = deep;
  EXPECT_THAT(error_of(file), HasSubstr("deep"));
  const std::string nested = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(Tokenizer::from_tokenizer_json(R"({"normalizer":)" + nested + "}").ok());
  EXPECT_FALSE(Tokenizer::from_tokenizer_json("").ok());
}

TEST(TokenizerJson, NamesTheDamage) {
  const auto with = [](const char* pointer, const json& value) {
    json file = small();
    file[json::json_pointer(pointer)] = value;
    return error_of(file);
  };
  EXPECT_THAT(with("/model", nullptr), HasSubstr("model"));
  EXPECT_THAT(with("/model/vocab", json::array()), HasSubstr("vocab"));
  EXPECT_THAT(with("/model/vocab", json::object()), HasSubstr("empty"));
  EXPECT_THAT(with("/model/vocab/a", -1), HasSubstr("`a`"));
  EXPECT_THAT(with("/model/vocab/a", 1e9), HasSubstr("`a`"));
  EXPECT_THAT(with("/model/vocab/a", 4'000'000'000), HasSubstr("`a`"));
  EXPECT_THAT(with("/model/vocab/a", "one"), HasSubstr("`a`"));
  EXPECT_THAT(with("/model/vocab/a", 2), HasSubstr("both have the id 2"));
  EXPECT_THAT(with("/model/vocab/", 9), HasSubstr("empty"));
  EXPECT_THAT(with("/model/merges", "a b"), HasSubstr("merges"));
  EXPECT_THAT(with("/model/merges/0", "ab"), HasSubstr("merges[0]"));
  EXPECT_THAT(with("/model/merges/0", "a z"), HasSubstr("`z`"));
  EXPECT_THAT(with("/model/merges/0", "b a"), HasSubstr("`ba`"));
  EXPECT_THAT(with("/model/merges/1", json::array({"ab"})), HasSubstr("merges[1]"));
  EXPECT_THAT(with("/model/unk_token", "<none>"), HasSubstr("<none>"));
  EXPECT_THAT(with("/model/fuse_unk", 1), HasSubstr("fuse_unk"));
  EXPECT_THAT(with("/added_tokens", 4), HasSubstr("added_tokens"));
  EXPECT_THAT(with("/added_tokens/0/id", -4), HasSubstr("-4"));
  EXPECT_THAT(with("/added_tokens/0/id", 2), HasSubstr("`b`"));
  EXPECT_THAT(with("/added_tokens/0/content", "a"), HasSubstr("`a`"));
  EXPECT_THAT(with("/added_tokens/0/content", ""), HasSubstr("without content"));
  EXPECT_THAT(with("/added_tokens/0/special", "yes"), HasSubstr("special"));
}

TEST(TokenizerJson, NamesTheDamageInComponents) {
  const auto with = [](const char* place, const char* component) {
    json file = small();
    file[place] = json::parse(component);
    return error_of(file);
  };
  EXPECT_THAT(
      with("pre_tokenizer", R"({"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"})"),
      HasSubstr("regular expression"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"Odd"})"),
              HasSubstr("Odd"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type":"Split","behavior":"Isolated"})"),
              HasSubstr("pattern"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type":"Sequence"})"), HasSubstr("pretokenizers"));
  EXPECT_THAT(with("post_processor", R"({"type":"TemplateProcessing","single":[]})"),
              HasSubstr("0 times"));
  EXPECT_THAT(with("post_processor", R"({"type":"TemplateProcessing","special_tokens":
                    {"<s>":{"ids":[77]}},"single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{}}]})"),
              HasSubstr("77"));
  EXPECT_THAT(with("post_processor", R"({"type":"BertProcessing","cls":["a",1],"sep":["b"]})"),
              HasSubstr("sep"));
  EXPECT_THAT(with("decoder", R"({"type":"Strip","content":" ","start":-1,"stop":0})"),
              HasSubstr("Strip"));
}

TEST(TokenizerJson, AnyDamageIsAnErrorOrATokenizerNeverACrash) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* name : kGoldenTokenizers) {
    const std::string whole = read_test_file(golden_path(name) + "/tokenizer.json");
    for (int i = 0; i < 60; ++i) {
      std::string damaged = whole;
      // The head of the file holds the components.
      const std::size_t reach =
          i % 2 ? damaged.size() : std::min<std::size_t>(damaged.size(), 3000);
      if (i % 10 == 0) damaged.resize(random.below(damaged.size()));
      for (std::size_t n = 1 + random.below(3); n > 0; --n) {
        const std::size_t at = random.below(std::min(reach, damaged.size()));
        damaged[at] = "{}[]\",:0129aetrufNS\\ "[random.below(21)];
      }
      const auto read = Tokenizer::from_tokenizer_json(damaged);
      if (read.ok())
        (void)read->decode(read->encode("The <s> 12 \xE2\x82\xAC", {true, true}).value());
    }
  }
}

// A run of letters is tried in every way of cutting it.
json hostile() { return {{"Regex", "(?:a+)+(?=b)"}}; }

TEST(TokenizerJson, APatternThatTakesTooLongRefusesTheText) {
  const std::string run(40, 'a');
  json cuts = small(), replaces = small();
  cuts["pre_tokenizer"] = {{"type", "Split"}, {"pattern", hostile()}, {"behavior", "Isolated"}};
  replaces["normalizer"] = {{"type", "Replace"}, {"pattern", hostile()}, {"content", "c"}};
  for (const json& file : {cuts, replaces}) {
    const auto tokenizer = load(file);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
    EXPECT_TRUE(tokenizer->encode("abc").ok());
    const auto refused = tokenizer->encode(run);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::limit);
    EXPECT_THAT(refused.error().message(), HasSubstr("searching a text of 40 bytes"));
  }
}

TEST(TokenizerJson, APatternThatTakesTooLongOnATokenIsRefused) {
  json file = small();
  file["decoder"] = {{"type", "Replace"}, {"pattern", hostile()}, {"content", "c"}};
  EXPECT_EQ(error_of(file), "no error");
  file["model"]["vocab"][std::string(40, 'a')] = 7;
  EXPECT_THAT(error_of(file), HasSubstr("decoder: pattern `(?:a+)+(?=b)`"));
}

}  // namespace
}  // namespace lathe::text
