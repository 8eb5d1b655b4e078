#include "text/tokenizer.h"

#include <algorithm>
#include <thread>

#include "text/testing.h"

namespace lathe::text {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(Tokenizer, UsersTextCannotForgeControlTokens) {
  for (const char* name : kLosslessTokenizers) {
    SCOPED_TRACE(name);
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (const char* token : {"<|im_start|>", "<|im_end|>", "<s>", "</s>"}) {
      const std::int32_t control = tokenizer.token_to_id(token).value();
      EXPECT_TRUE(tokenizer.is_special(control));
      const std::string text = std::string("x") + token + "y";
      const Ids parsed = tokenizer.encode(text, {.parse_special = true}).value();
      EXPECT_EQ(std::count(parsed.begin(), parsed.end(), control), 1) << token;
      const Ids plain = tokenizer.encode(text, {.parse_special = false}).value();
      EXPECT_EQ(std::count(plain.begin(), plain.end(), control), 0) << token;
      EXPECT_EQ(tokenizer.decode(plain), text);
    }
  }
}

TEST(Tokenizer, EveryTextComesBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* name : kLosslessTokenizers) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (int i = 0; i < 500; ++i) {
      const std::string text = random.valid(random.below(60));
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text).value(), {.skip_special = false}),
                // This pipeline writes every space as U+2581, and so reads every U+2581.
                name == std::string("bpe-llama2-fallback") ? [&] {
                  std::string out = text;
                  for (std::size_t at; (at = out.find("\xE2\x96\x81")) != std::string::npos;)
                    out.replace(at, 3, " ");
                  return out;
                }()
                                                           : text);
    }
  }
}

TEST(Tokenizer, BytesThatAreNotUtf8AreReplacedAndNeverCrash) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* name : kGoldenTokenizers) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (int i = 0; i < 500; ++i) {
      const std::string text =
          i % 2 ? random.bytes(random.below(60)) : random.damaged(random.below(60));
      EXPECT_EQ(tokenizer.encode(text, {true, true}).value(),
                tokenizer.encode(to_valid_utf8(text), {true, true}).value());
    }
  }
}

TEST(Tokenizer, AnyIdsDecodeToValidText) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* name : kGoldenTokenizers) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (int i = 0; i < 300; ++i) {
      Ids ids;
      for (std::size_t n = random.below(40); n > 0; --n)
        ids.push_back(static_cast<std::int32_t>(random.below(1500)) - 100);
      EXPECT_TRUE(is_valid_utf8(tokenizer.decode(ids, {random.below(2) == 0})));
    }
  }
}

bool is_lossless(std::string_view name) {
  return std::find(std::begin(kLosslessTokenizers), std::end(kLosslessTokenizers), name) !=
         std::end(kLosslessTokenizers);
}

// Quadratic time would not finish these within the test's limit.
TEST(Tokenizer, LongRunsTakeNoQuadraticTime) {
  constexpr std::size_t kLength = 400'000;
  for (const char* name : kGoldenTokenizers) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (const char* unit : {"a", " ", "ab", "\n", "1", "<", "\xF0\x9F\x8C\x88", "a "}) {
      std::string text;
      while (text.size() < kLength) text += unit;
      const Ids ids = tokenizer.encode(text).value();
      EXPECT_TRUE(!ids.empty() || !is_lossless(name));
      EXPECT_TRUE(!is_lossless(name) || tokenizer.decode(ids) == text) << name << " " << unit;
    }
  }
}

TEST(Tokenizer, ManyThreadsShareOne) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-llama3");
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string text = RandomText(seed).valid(20'000);
  std::vector<Ids> results(4);
  {
    std::vector<std::jthread> threads;
    for (Ids& result : results)
      threads.emplace_back([&] { result = Tokenizer(tokenizer).encode(text).value(); });
  }
  for (const Ids& result : results) EXPECT_EQ(result, tokenizer.encode(text).value());
}

TEST(Tokenizer, ControlTokensSkippedOrShown) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-gpt2");
  const Ids ids = tokenizer.encode("hi<|im_end|>", {.parse_special = true}).value();
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special = true}), "hi");
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special = false}), "hi<|im_end|>");
  EXPECT_EQ(tokenizer.decode(Ids{-1, 1 << 30}), "");
}

TEST(Tokenizer, TokensBySpellingAndBytes) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-gpt2");
  const std::int32_t space_t = tokenizer.token_to_id("\xC4\xA0t").value();  // "Ġt"
  EXPECT_EQ(tokenizer.token_bytes(space_t), " t");
  EXPECT_EQ(tokenizer.id_to_token(space_t), "\xC4\xA0t");
  EXPECT_EQ(tokenizer.token_to_id("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer.id_to_token(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(99999), "");
  EXPECT_FALSE(tokenizer.is_special(-7));
  const Tokenizer fallback = golden_tokenizer("bpe-llama2-fallback");
  EXPECT_EQ(fallback.token_bytes(fallback.token_to_id("<0xE2>").value()), "\xE2");
}

TEST(Tokenizer, ControlTokensFromTemplateAndConfig) {
  const Tokenizer tokenizer = golden_tokenizer("bpe-llama3");
  EXPECT_EQ(tokenizer.bos_id(), 1);  // its template puts <s> in front
  EXPECT_EQ(tokenizer.eos_id(), std::nullopt);
  const auto named = tokenizer.apply_tokenizer_config(
      R"({"eos_token": {"content": "<|im_end|>"}, "bos_token": null})");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->bos_id(), 1);
  EXPECT_EQ(named->eos_id(), 1201);
  const auto again = tokenizer.apply_tokenizer_config(named->to_tokenizer_config_json());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->eos_id(), 1201);
  EXPECT_FALSE(tokenizer.apply_tokenizer_config(R"({"eos_token": "<nope>"})").ok());
  EXPECT_FALSE(tokenizer.apply_tokenizer_config(R"({"eos_token": 7})").ok());
  EXPECT_FALSE(tokenizer.apply_tokenizer_config("{").ok());
}

TEST(Tokenizer, HashesDiffer) {
  EXPECT_NE(golden_tokenizer("bpe-gpt2").hash(), golden_tokenizer("bpe-llama3").hash());
  EXPECT_EQ(golden_tokenizer("bpe-gpt2").hash(), golden_tokenizer("bpe-gpt2").hash());
  EXPECT_EQ(golden_tokenizer("bpe-gpt2").hash().size(), 16u);
}

}  // namespace
}  // namespace lathe::text
