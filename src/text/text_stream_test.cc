#include "text/text_stream.h"

#include <nlohmann/json.hpp>

#include "text/testing.h"

namespace lathe::text {
namespace {

using Ids = std::vector<std::int32_t>;

std::string streamed(TextStream& stream, const Ids& ids) {
  std::string text;
  for (const std::int32_t id : ids) {
    const std::string part = stream.push(id);
    EXPECT_TRUE(is_valid_utf8(part));
    text += part;
  }
  return text + stream.flush();
}

TEST(TextStream, GivesACharacterWhenItIsWhole) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-gpt2");
  TextStream stream(tokenizer);
  const auto byte = [&](const char* spelling) { return tokenizer.token_to_id(spelling).value(); };
  EXPECT_EQ(stream.push(byte("\xC3\xA2")), "");              // E2
  EXPECT_EQ(stream.push(byte("\xC4\xA4")), "");              // 82
  EXPECT_EQ(stream.push(byte("\xC2\xAC")), "\xE2\x82\xAC");  // AC: the euro sign
  EXPECT_EQ(stream.push(byte("\xC3\xA2")), "");
  EXPECT_EQ(stream.push(byte("!")), std::string(kReplacementCharacter) + "!");
  EXPECT_EQ(stream.push(byte("\xC3\xA2")), "");
  EXPECT_EQ(stream.flush(), kReplacementCharacter);
  EXPECT_EQ(stream.flush(), "");
}

// Whether a text may name a byte token beyond ASCII, which added tokens make one of: the exception
// of text_stream.h.
bool spells_a_byte(const std::string& text) {
  const std::size_t at = text.find("<0x");
  return at != std::string::npos && text.find("<0x41>") != at;
}

TEST(TextStream, HandsOutWhatStandsBeforeASpelledByte) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-llama2-fallback");
  const DecodeOptions all = {.skip_special = false};
  TextStream stream(tokenizer, all);
  const auto ids_of = [&](const char* text) {
    return tokenizer.encode(text, {.parse_special = true}).value();
  };
  const Ids whole = ids_of("h\r<0x41>\xE2\x9A\xA8 mn");
  EXPECT_EQ(streamed(stream, whole), tokenizer.decode(whole, all));
  const Ids broken = ids_of("h\r<0xF3> mn");
  const std::string sign(kReplacementCharacter);
  EXPECT_EQ(streamed(stream, broken), "h\r" + sign + "  mn");
  EXPECT_EQ(tokenizer.decode(broken, all), "h" + sign + sign + "  mn");
}

TEST(TextStream, EqualsDecodeForEncodedTexts) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* name : kGoldenTokenizers) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (const bool skip : {false, true}) {
      TextStream stream(tokenizer, {.skip_special = skip});
      for (int i = 0; i < 300; ++i) {
        const std::string text = random.damaged(random.below(50));
        if (spells_a_byte(text)) continue;
        const Ids ids = tokenizer.encode(text, {true, true}).value();
        EXPECT_EQ(streamed(stream, ids), tokenizer.decode(ids, {.skip_special = skip})) << name;
      }
    }
  }
}

TEST(TextStream, EqualsDecodeForAnyIdsOfAByteLevelTokenizer) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  const Tokenizer tokenizer = golden_tokenizer("bpe-llama3");
  TextStream stream(tokenizer);
  for (int i = 0; i < 1000; ++i) {
    Ids ids;
    for (std::size_t n = random.below(30); n > 0; --n)  // mostly single bytes
      ids.push_back(
          static_cast<std::int32_t>(random.below(4) ? random.below(260) : random.below(1300)));
    EXPECT_EQ(streamed(stream, ids), tokenizer.decode(ids));
  }
}

TEST(TextStream, BrokenFallbackRunsAreReplacedByteByByte) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-llama2-fallback");
  const auto id = [&](const char* spelling) { return tokenizer.token_to_id(spelling).value(); };
  const std::string r(kReplacementCharacter);
  TextStream stream(tokenizer, {.skip_special = false});
  const Ids ids{id("<0xE2>"), id("<0x82>"), id("a")};
  EXPECT_EQ(streamed(stream, ids), r + r + "a");
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special = false}), r + r + "a");
}

TEST(TextStream, StripsTheEndsAsTheDecoderDoes) {
  const char* file = R"({"model":{"type":"BPE","vocab":{"_":0,"a":1,"__":2},"merges":[]},
    "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"_"},"content":" "},
               {"type":"Fuse"},{"type":"Strip","content":" ","start":2,"stop":1}]}})";
  const auto tokenizer = Tokenizer::from_tokenizer_json(file);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  TextStream stream(*tokenizer);
  for (int i = 0; i < 500; ++i) {
    Ids ids;
    for (std::size_t n = random.below(8); n > 0; --n)
      ids.push_back(static_cast<std::int32_t>(random.below(3)));
    EXPECT_EQ(streamed(stream, ids), tokenizer->decode(ids));
  }
}

TEST(TextStream, MetaspaceDropsItsSignInTheFirstTokenAlone) {
  const char* file = R"({"model":{"type":"BPE","vocab":{"_":0,"a":1,"_b":2},"merges":[]},
    "decoder":{"type":"Metaspace","replacement":"_","prepend_scheme":"always"}})";
  const auto tokenizer = Tokenizer::from_tokenizer_json(file);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  TextStream stream(*tokenizer);
  EXPECT_EQ(tokenizer->decode(Ids{2, 2, 1}), "b ba");
  EXPECT_EQ(streamed(stream, {2, 2, 1}), "b ba");
  EXPECT_EQ(streamed(stream, {0, 2}), " b");
}

}  // namespace
}  // namespace lathe::text
