#include "text/tokenizer_gguf.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "formats/gguf.h"
#include "text/bpe_trainer.h"
#include "text/testing.h"

namespace lathe::text {
namespace {

using formats::GgufArray;
using formats::GgufMetadata;
using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

constexpr const char* kTokens = "tokenizer.ggml.tokens";

Tokenizer trained(const char* pre_tokenizer = "smollm") {
  const std::vector<std::string> texts(10, "the cat and the dog; 1984 and <|user|> then");
  auto tokenizer = train_bpe(texts, {.vocab_size = 300,
                                     .special_tokens = {"<|end|>", "<|user|>"},
                                     .pre_tokenizer = pre_tokenizer,
                                     .eos_token = "<|end|>"});
  EXPECT_TRUE(tokenizer.ok());
  return std::move(tokenizer).value();
}

TEST(TokenizerGguf, TrainedTokenizersGoThroughPlainKeys) {
  for (const char* name : {"smollm", "gpt-2", "llama-bpe", "qwen2", "falcon"}) {
    SCOPED_TRACE(name);
    const Tokenizer tokenizer = trained(name);
    const GgufMetadata keys = gguf_metadata(tokenizer);
    EXPECT_EQ(keys.get_string("tokenizer.ggml.model").value(), "gpt2");
    EXPECT_EQ(keys.get_string("tokenizer.ggml.pre").value(), name);
    EXPECT_FALSE(keys.has("tokenizer.huggingface.json"));
    const auto again = Tokenizer::from_gguf(keys);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(again->hash(), tokenizer.hash());
    EXPECT_EQ(again->eos_id(), tokenizer.eos_id());
    EXPECT_TRUE(again->is_special(1));
  }
}

TEST(TokenizerGguf, EveryGoldenTokenizerComesBackTheSame) {
  for (const char* name : kGoldenTokenizers) {
    SCOPED_TRACE(name);
    const Tokenizer tokenizer = golden_tokenizer(name);
    const auto again = Tokenizer::from_gguf(gguf_metadata(tokenizer));
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(again->hash(), tokenizer.hash());
    std::istringstream lines(read_test_file(golden_path(name) + "/vectors.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto vector = nlohmann::json::parse(line);
      EXPECT_EQ(again->encode(vector["text"].get<std::string>(), {true, true}).value(),
                vector["ids_special"].get<Ids>());
    }
  }
  // This one cuts as GPT-2 and needs no more than the plain keys.
  EXPECT_FALSE(gguf_metadata(golden_tokenizer("bpe-gpt2")).has("tokenizer.huggingface.json"));
  // This one is no byte-level BPE: other programs must refuse it.
  EXPECT_EQ(gguf_metadata(golden_tokenizer("bpe-llama2-fallback"))
                .get_string("tokenizer.ggml.model")
                .value(),
            "lathe");
}

TEST(TokenizerGguf, AddsBosWhenTheFileSaysSo) {
  GgufMetadata keys = gguf_metadata(trained());
  keys.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  keys.set("tokenizer.ggml.add_bos_token", true);
  const auto tokenizer = Tokenizer::from_gguf(keys);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("the", {.add_special_tokens = true}).value().front(), 1);
  const auto written = Tokenizer::from_gguf(gguf_metadata(*tokenizer));
  EXPECT_EQ(written->hash(), tokenizer->hash());
  EXPECT_EQ(written->bos_id(), 1);
}

TEST(TokenizerGguf, NamesTheDamage) {
  const auto error = [](const char* key, formats::GgufValue value) {
    GgufMetadata keys = gguf_metadata(trained());
    keys.set(key, std::move(value));
    const auto read = Tokenizer::from_gguf(keys);
    return read.ok() ? std::string("no error") : read.error().message();
  };
  EXPECT_THAT(error("tokenizer.ggml.model", std::string("rwkv")), HasSubstr("rwkv"));
  EXPECT_THAT(error("tokenizer.ggml.pre", std::string("odd")), HasSubstr("odd"));
  EXPECT_THAT(error(kTokens, GgufArray(std::vector<std::string>{})), HasSubstr(kTokens));
  EXPECT_THAT(error(kTokens, GgufArray(std::vector<std::string>{"a", ""})),
              HasSubstr("token 1 is empty"));
  EXPECT_THAT(error(kTokens, GgufArray(std::vector<std::string>{"a", "b\xE2"})),
              HasSubstr("token 1 is not UTF-8"));
  EXPECT_THAT(error(kTokens, GgufArray(std::vector<std::string>(
                                 static_cast<std::size_t>(trained().vocab_size()), "a"))),
              HasSubstr("merge"));
  EXPECT_THAT(error("tokenizer.ggml.token_type", GgufArray(std::vector<std::int32_t>{1})),
              HasSubstr("token_type"));
  EXPECT_THAT(error("tokenizer.ggml.merges", GgufArray(std::vector<std::string>{"ab"})),
              HasSubstr("merges"));
  EXPECT_THAT(error("tokenizer.ggml.merges", GgufArray(std::vector<std::string>{"a zzz"})),
              HasSubstr("zzz"));
  EXPECT_THAT(error("tokenizer.ggml.bos_token_id", std::uint32_t{90000}), HasSubstr("90000"));
  EXPECT_THAT(error("tokenizer.ggml.add_bos_token", true), HasSubstr("bos"));
  EXPECT_THAT(error("tokenizer.huggingface.json", std::string("{")), HasSubstr("huggingface"));
}

// Real vocabularies, where the folder of goldens that may not be copied is at hand.
void expect_ids_of_real_vocabulary(const std::string& name) {
  const char* named = std::getenv("LATHE_GOLDENS");
  const std::string goldens = named != nullptr ? named : LATHE_SOURCE_DIR "/../shared/goldens";
  const std::string path = goldens + "/vocab/ggml-vocab-" + name + ".gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "SKIPPED: no file " << path;
  const auto file = formats::GgufFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const auto tokenizer = Tokenizer::from_gguf(file->metadata());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  const std::string inputs = read_test_file(path + ".inp");
  std::istringstream outputs(read_test_file(path + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::size_t begin = 0;
  int texts = 0;
  for (std::string line; std::getline(outputs, line); ++texts) {
    const std::size_t end = std::min(inputs.find(separator, begin), inputs.size());
    Ids expected;
    std::istringstream numbers(line);
    for (std::int32_t id; numbers >> id;) expected.push_back(id);
    const std::string text = inputs.substr(begin, end - begin);
    EXPECT_EQ(tokenizer->encode(text).value(), expected) << text;
    begin = end + separator.size();
    if (end == inputs.size()) break;
  }
  EXPECT_GT(texts, 40);
}

TEST(TokenizerGguf, MakesTheIdsOfTheRealGpt2Vocabulary) { expect_ids_of_real_vocabulary("gpt-2"); }
TEST(TokenizerGguf, MakesTheIdsOfTheRealWordPieceVocabulary) {
  expect_ids_of_real_vocabulary("bert-bge");
}
TEST(TokenizerGguf, MakesTheIdsOfTheRealSentencePieceVocabulary) {
  expect_ids_of_real_vocabulary("llama-spm");
}

// By hand: "▁" begins words, what has none continues them.
TEST(TokenizerGguf, WordPieceHasSignsAtTheStart) {
  GgufMetadata keys;
  keys.set("tokenizer.ggml.model", std::string("bert"));
  keys.set("tokenizer.ggml.tokens",
           GgufArray(std::vector<std::string>{"[UNK]", "[CLS]", "[SEP]", "\u2581un", "known",
                                              "\u2581known", "\u2581!"}));
  keys.set("tokenizer.ggml.token_type", GgufArray(std::vector<std::int32_t>{3, 3, 3, 1, 1, 1, 1}));
  keys.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  keys.set("tokenizer.ggml.cls_token_id", std::uint32_t{1});
  keys.set("tokenizer.ggml.seperator_token_id", std::uint32_t{2});
  const auto tokenizer = Tokenizer::from_gguf(keys);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("Unknown known! x", {.add_special_tokens = true}).value(),
            (Ids{1, 3, 4, 5, 6, 0, 2}));
  EXPECT_EQ(tokenizer->encode("[CLS]", {.parse_special = true}).value(), (Ids{1}));
  EXPECT_EQ(tokenizer->decode(Ids{3, 4, 5, 6}), "unknown known!");
}

// By hand: the path of the greatest sum, unknown characters as one, </s> behind.
TEST(TokenizerGguf, UnigramTakesTheBestPath) {
  GgufMetadata keys;
  keys.set("tokenizer.ggml.model", std::string("t5"));
  keys.set("tokenizer.ggml.tokens",
           GgufArray(std::vector<std::string>{"<pad>", "</s>", "<unk>", "\u2581", "a", "b", "ab",
                                              "\u2581a"}));
  keys.set("tokenizer.ggml.scores", GgufArray(std::vector<float>{0, 0, 0, -2, -3, -3.5, -5, -4.5}));
  keys.set("tokenizer.ggml.token_type",
           GgufArray(std::vector<std::int32_t>{3, 3, 2, 1, 1, 1, 1, 1}));
  keys.set("tokenizer.ggml.eos_token_id", std::uint32_t{1});
  keys.set("tokenizer.ggml.unknown_token_id", std::uint32_t{2});
  keys.set("tokenizer.ggml.remove_extra_whitespaces", true);
  const auto tokenizer = Tokenizer::from_gguf(keys);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("  ab  a ", {.add_special_tokens = true}).value(), (Ids{3, 6, 7, 1}));
  EXPECT_EQ(tokenizer->encode("xyb").value(), (Ids{3, 2, 5}));
  EXPECT_EQ(tokenizer->decode(Ids{3, 6, 7}), "ab a");
}

// By hand: scores decide, not the order of the file; bytes stand in for what has no token.
TEST(TokenizerGguf, SentencePieceMergesByScore) {
  GgufMetadata keys;
  keys.set("tokenizer.ggml.model", std::string("llama"));
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<0xC3>",  "<0xA9>", "\u2581",
                                     "a",     "b",   "ab",   "\u2581a", "ba"};
  keys.set("tokenizer.ggml.tokens", GgufArray(tokens));
  keys.set("tokenizer.ggml.scores",
           GgufArray(std::vector<float>{0, 0, 0, 0, 0, -5, -6, -7, -3, -2, -1}));
  keys.set("tokenizer.ggml.token_type",
           GgufArray(std::vector<std::int32_t>{2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1}));
  keys.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  keys.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  const auto tokenizer = Tokenizer::from_gguf(keys);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("ab").value(), (Ids{9, 7}));  // "▁a" has the better score than "ab"
  EXPECT_EQ(tokenizer->encode("aba").value(), (Ids{9, 10}));  // and "ba" the best
  EXPECT_EQ(tokenizer->encode("\u00e9").value(), (Ids{5, 3, 4}));
  EXPECT_EQ(tokenizer->encode("a", {.add_special_tokens = true}).value(), (Ids{1, 9}));
  EXPECT_EQ(tokenizer->decode(Ids{9, 10}), "aba");
  keys.set("tokenizer.ggml.scores", GgufArray(std::vector<float>{0}));
  const auto damaged = Tokenizer::from_gguf(keys);
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(damaged.error().message(), HasSubstr("tokenizer.ggml.scores"));
}

}  // namespace
}  // namespace lathe::text
