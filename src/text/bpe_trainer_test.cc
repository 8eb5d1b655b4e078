#include "text/bpe_trainer.h"

#include <gmock/gmock.h>

#include <map>

#include "text/bpe_merger.h"
#include "text/testing.h"

namespace lathe::text {
namespace {

using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

Texts sentences(std::uint64_t seed, int count) {
  static const char* const kWords[] = {
      "the",  "cat",   "sat",  "on",   "a",      "mat",   "and",
      "then", "there", "were", "1984", "others", "don't", "\xC3\xA9t\xC3\xA9"};
  RandomText random(seed);
  Texts texts;
  for (int i = 0; i < count; ++i) {
    std::string text = "Once";
    for (std::size_t n = 3 + random.below(12); n > 0; --n)
      text.append(" ").append(kWords[random.below(std::size(kWords))]);
    texts.push_back(text + ".\n");
  }
  return texts;
}

TEST(BpeTrainer, FollowsAnExampleByHand) {
  // Words: "ab" x3, "abc" x2, "bc" x1. Pairs: ab 5, bc 3. Merge ab; then (ab, c) 2 before bc 1.
  const Texts texts{"ab", "ab", "ab", "abc", "abc", "bc"};
  const auto tokenizer =
      train_bpe(texts, {.vocab_size = 300, .special_tokens = {"<|end|>"}, .eos_token = "<|end|>"});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->vocab_size(), 1 + 256 + 2);
  EXPECT_EQ(tokenizer->id_to_token(0), "<|end|>");
  EXPECT_EQ(tokenizer->id_to_token(1), "!");
  EXPECT_EQ(tokenizer->id_to_token(257), "ab");
  EXPECT_EQ(tokenizer->id_to_token(258), "abc");
  EXPECT_EQ(tokenizer->eos_id(), 0);
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer->encode("abc").value(), (Ids{258}));
}

TEST(BpeTrainer, TiesGoToTheSmallerIds) {
  const auto tokenizer = train_bpe(Texts{"zy", "ab", "zy", "ab"}, {.vocab_size = 257});
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->id_to_token(256), "ab");
}

TEST(BpeTrainer, IsDeterministicAndBlindToOrder) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Texts texts = sentences(seed, 500);
  const BpeTrainOptions options{.vocab_size = 330, .special_tokens = {"<|a|>"}};
  const auto first = train_bpe(texts, options);
  std::reverse(texts.begin(), texts.end());
  const auto second = train_bpe(texts, options);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->to_tokenizer_json(), second->to_tokenizer_json());
}

TEST(BpeTrainer, CompressesAndComesBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const Texts texts = sentences(seed, 500);
  const auto tokenizer = train_bpe(texts, {.vocab_size = 400});
  ASSERT_TRUE(tokenizer.ok());
  std::size_t bytes = 0, tokens = 0;
  for (const std::string& text : texts) {
    const Ids ids = tokenizer->encode(text).value();
    EXPECT_EQ(tokenizer->decode(ids), text);
    bytes += text.size();
    tokens += ids.size();
  }
  EXPECT_GT(bytes, 3 * tokens);
  RandomText random(seed);
  for (int i = 0; i < 200; ++i) {
    const std::string text = random.valid(30);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).value()), text);
  }
}

TEST(BpeTrainer, CutsAsThePreTokenizerSays) {
  const Texts texts(10, "2024 2024");
  const auto singly = train_bpe(texts, {.vocab_size = 270, .pre_tokenizer = "smollm"});
  EXPECT_EQ(singly->encode("2024").value().size(), 4u);
  const auto whole = train_bpe(texts, {.vocab_size = 270, .pre_tokenizer = "gpt-2"});
  EXPECT_EQ(whole->encode("2024").value().size(), 1u);
}

TEST(BpeTrainer, SpecialTokensAreNotLearntFrom) {
  const Texts texts(50, "<|user|>x<|user|>");
  const auto tokenizer = train_bpe(texts, {.vocab_size = 300, .special_tokens = {"<|user|>"}});
  EXPECT_EQ(tokenizer->vocab_size(), 257);  // "x" has no neighbour
  EXPECT_EQ(tokenizer->encode("x<|user|>", {.parse_special = true}).value().back(), 0);
  // A word with a control token's spelling stays in pieces.
  const auto word =
      train_bpe(Texts(50, "stop stop"), {.vocab_size = 300, .special_tokens = {"stop"}});
  EXPECT_GT(word->encode("stop").value().size(), 1u);
}

TEST(BpeTrainer, KeepsItsBounds) {
  const Texts texts(20, "abcdefgh abcdefgh");
  const auto tokenizer = train_bpe(texts, {.vocab_size = 400, .max_token_bytes = 4});
  ASSERT_TRUE(tokenizer.ok());
  for (std::int32_t id = 0; id < tokenizer->vocab_size(); ++id)
    EXPECT_LE(tokenizer->token_bytes(id).size(), 4u);
  EXPECT_EQ(train_bpe(Texts{"ab", "ab"}, {.vocab_size = 300, .min_frequency = 3})->vocab_size(),
            256);
}

TEST(BpeTrainer, SaysWhatIsWrong) {
  const auto error = [](const BpeTrainOptions& options, const Texts& texts = {"some text"}) {
    const auto tokenizer = train_bpe(texts, options);
    return tokenizer.ok() ? std::string("no error") : tokenizer.error().message();
  };
  EXPECT_THAT(error({.vocab_size = 255}), HasSubstr("vocab_size"));
  EXPECT_THAT(error({.min_frequency = 0}), HasSubstr("min_frequency"));
  EXPECT_THAT(error({.max_token_bytes = 0}), HasSubstr("max_token_bytes"));
  EXPECT_THAT(error({.special_tokens = {"<a>", "<a>"}}), HasSubstr("twice"));
  EXPECT_THAT(error({.special_tokens = {""}}), HasSubstr("empty"));
  EXPECT_THAT(error({.special_tokens = {"\xFF"}}), HasSubstr("UTF-8"));
  EXPECT_THAT(error({.special_tokens = {"!"}}), HasSubstr("byte"));
  EXPECT_THAT(error({.eos_token = "<e>"}), HasSubstr("<e>"));
  EXPECT_THAT(error({.pre_tokenizer = "odd"}), HasSubstr("smollm"));
  EXPECT_THAT(error({}, {}), HasSubstr("no text"));
}

// The counts after any number of merges against counting anew.
TEST(BpeMerger, KeepsItsCountsRight) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  std::vector<BpeMerger::Word> words;
  for (int i = 0; i < 60; ++i) {
    BpeMerger::Word word{{}, static_cast<std::int64_t>(1 + random.below(5))};
    for (std::size_t n = 1 + random.below(20); n > 0; --n)
      word.ids.push_back(static_cast<std::int32_t>(random.below(3)));
    words.push_back(std::move(word));
  }
  BpeMerger merger(words, 2);
  for (std::int32_t next = 3;; ++next) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
    for (const auto& word : words)
      for (std::size_t i = 0; i + 1 < word.ids.size(); ++i)
        counts[{word.ids[i], word.ids[i + 1]}] += word.count;
    std::int64_t most = 0;
    std::pair<std::int32_t, std::int32_t> expected;
    for (const auto& [pair, count] : counts)
      if (count > most) most = count, expected = pair;
    const auto best = merger.best([](TokenPair) { return true; });
    if (most < 2) {
      EXPECT_FALSE(best.has_value());
      break;
    }
    ASSERT_TRUE(best.has_value());
    ASSERT_EQ(std::pair(best->left, best->right), expected);
    merger.merge(*best, next);
    for (auto& word : words) {
      Ids merged;
      for (std::size_t i = 0; i < word.ids.size(); ++i) {
        const bool here = i + 1 < word.ids.size() && word.ids[i] == expected.first &&
                          word.ids[i + 1] == expected.second;
        merged.push_back(here ? next : word.ids[i]);
        i += here;
      }
      word.ids = std::move(merged);
    }
  }
}

}  // namespace
}  // namespace lathe::text
