#include "text/sentence_piece.h"

#include <gmock/gmock.h>

#include <bit>

#include "text/protobuf.h"
#include "text/testing.h"
#include "text/tokenizer_files.h"

namespace lathe::text {
namespace {

using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(static_cast<unsigned char>(value | 0x80));
  return out + static_cast<char>(value);
}

std::string number(unsigned field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}

std::string bytes(unsigned field, std::string_view value) {
  return varint(field << 3 | 2) + varint(value.size()) + std::string(value);
}

std::string piece(std::string_view token, float score, PieceType type = PieceType::normal) {
  std::string message = bytes(1, token) + varint(2 << 3 | 5);
  const auto bits = std::bit_cast<std::uint32_t>(score);
  for (int i = 0; i < 4; ++i)
    message += static_cast<char>(static_cast<unsigned char>(bits >> (8 * i)));
  return bytes(1, message + number(3, static_cast<std::uint64_t>(type)));
}

// type 1: Unigram, 2: BPE.
std::string model(std::uint64_t type) {
  return piece("<unk>", 0, PieceType::unknown) + piece("<s>", 0, PieceType::control) +
         piece("</s>", 0, PieceType::control) + piece("[X]", 0, PieceType::user_defined) +
         piece("\u2581", -2) + piece("a", -3) + piece("b", -3.5) + piece("ab", -5) +
         piece("\u2581a", -4.5) + bytes(2, number(3, type)) +
         bytes(3, number(3, 1) + number(4, 1) + number(5, 1));
}

TEST(SentencePiece, UnigramAndBpeByTheirScores) {
  const auto unigram = tokenizer_from_sentence_piece(model(1), "");
  ASSERT_TRUE(unigram.ok()) << unigram.error().message();
  EXPECT_EQ(unigram->encode("  ab  a ").value(), (Ids{4, 7, 8}));
  EXPECT_EQ(unigram->encode("a[X]b").value(), (Ids{8, 3, 6}));
  EXPECT_EQ(unigram->encode("<s>").value(), (Ids{4, 0}));
  EXPECT_EQ(unigram->encode("<s>", {.parse_special = true}).value(), (Ids{1}));
  EXPECT_EQ(unigram->decode(Ids{4, 7, 8}), "ab a");
  EXPECT_EQ(unigram->bos_id(), 1);
  EXPECT_EQ(unigram->eos_id(), 2);
  const auto bpe = tokenizer_from_sentence_piece(model(2), "");
  ASSERT_TRUE(bpe.ok()) << bpe.error().message();
  EXPECT_EQ(bpe->encode("ab").value(), (Ids{8, 6}));  // "▁a" has the better score than "ab"
  EXPECT_EQ(bpe->encode("a[X]ab").value(), (Ids{8, 3, 7}));
}

TEST(SentencePiece, ConfigurationSaysWhatGoesAround) {
  const auto around = [](const char* config) {
    const auto read = tokenizer_from_sentence_piece(model(1), config);
    EXPECT_TRUE(read.ok());
    return read.ok() ? read->encode("a", {.add_special_tokens = true}).value() : Ids();
  };
  EXPECT_EQ(around(R"({"tokenizer_class": "LlamaTokenizer"})"), (Ids{1, 8}));
  EXPECT_EQ(around(R"({"tokenizer_class": "T5Tokenizer"})"), (Ids{8, 2}));
  EXPECT_EQ(around(R"({"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false,
                       "add_eos_token": true})"),
            (Ids{8, 2}));
  const auto shifted =
      tokenizer_from_sentence_piece(model(1), R"({"tokenizer_class": "XLMRobertaTokenizer"})");
  ASSERT_FALSE(shifted.ok());
  EXPECT_THAT(shifted.error().message(), HasSubstr("XLMRobertaTokenizer"));
}

TEST(SentencePiece, RefusesOtherModelsAndDamage) {
  for (const std::uint64_t type : {3, 4})
    EXPECT_FALSE(parse_sentence_piece_model(model(type)).ok());
  EXPECT_FALSE(parse_sentence_piece_model("").ok());
  EXPECT_FALSE(parse_sentence_piece_model(bytes(1, number(3, 9))).ok());
  const auto cut = parse_sentence_piece_model(model(1).substr(0, 20));
  ASSERT_FALSE(cut.ok());
  EXPECT_THAT(cut.error().message(), HasSubstr("byte"));
}

TEST(SentencePiece, AnyDamageIsAnErrorOrATokenizerNeverACrash) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = model(1 + random.below(2));
    for (std::size_t n = 1 + random.below(4); n > 0; --n)
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    if (random.below(8) == 0) damaged.resize(random.below(damaged.size()));
    const auto read = tokenizer_from_sentence_piece(damaged, "");
    if (read.ok()) (void)read->decode(read->encode("ab <s> [X]", {true, true}).value());
  }
}

TEST(Protobuf, EndsAndOverlongNumbersAreErrors) {
  const std::string overlong(11, '\xFF');
  EXPECT_FALSE(ProtoReader(overlong).next().ok());
  EXPECT_FALSE(ProtoReader("\x0A\x05"
                           "ab")
                   .next()
                   .ok());
  EXPECT_FALSE(ProtoReader("\x0B").next().ok());  // a group
  EXPECT_FALSE(ProtoReader(std::string(1, '\0')).next().ok());
  ProtoReader empty("");
  const auto end = empty.next();
  ASSERT_TRUE(end.ok());
  EXPECT_FALSE(end->has_value());
}

}  // namespace
}  // namespace lathe::text
