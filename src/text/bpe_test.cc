#include "text/bpe.h"

#include <map>

#include "text/testing.h"

namespace lathe::text {
namespace {

using Ids = std::vector<std::int32_t>;

// A tokenizer's memory and the model over it.
class MadeBpe {
 public:
  MadeBpe(const std::vector<std::string>& surfaces, std::vector<BpeMerge> merges, Ids byte_tokens,
          BpeSettings settings)
      : surfaces_(surfaces) {
    memory_.merges = std::move(merges);
    memory_.byte_tokens = std::move(byte_tokens);
    memory_.index(surfaces_.table(), std::vector<bool>(surfaces.size(), false));
    const BpeTables tables = memory_.tables();
    settings.cuts_at_marks = never_joins_across_marks(surfaces_.table(), tables, settings);
    model_.emplace(surfaces_.table(), tables, std::move(settings));
  }
  void encode(std::string_view word, Ids& out, ModelScratch& scratch) const {
    model_->encode(word, out, scratch);
  }

 private:
  StringTableBuilder surfaces_;
  BpeMemory memory_;
  std::optional<Bpe> model_;
};

// A random vocabulary over few letters, so that merges compete and overlap.
struct Vocabulary {
  std::vector<std::string> surfaces{"a", "b", "c"};
  std::vector<BpeMerge> merges;

  explicit Vocabulary(RandomText& random) {
    std::map<std::string, std::int32_t> ids{{"a", 0}, {"b", 1}, {"c", 2}};
    for (int i = 0; i < 40; ++i) {
      const auto left = static_cast<std::int32_t>(random.below(surfaces.size()));
      const auto right = static_cast<std::int32_t>(random.below(surfaces.size()));
      const std::string whole =
          surfaces[static_cast<std::size_t>(left)] + surfaces[static_cast<std::size_t>(right)];
      if (whole.size() > 9) continue;
      const bool doubled = std::any_of(merges.begin(), merges.end(), [&](const BpeMerge& m) {
        return m.left == left && m.right == right;
      });
      if (doubled) continue;
      const auto [place, fresh] = ids.emplace(whole, static_cast<std::int32_t>(surfaces.size()));
      if (fresh) surfaces.push_back(whole);
      merges.push_back({left, right, place->second});
    }
  }
};

std::string random_word(RandomText& random) {
  std::string word;
  for (std::size_t n = 1 + random.below(120); n > 0; --n)
    word += static_cast<char>('a' + random.below(3));
  return word;
}

// The definition: again and again, the pair of the lowest rank, the leftmost of equals.
Ids by_definition(const Vocabulary& vocabulary, std::string_view word) {
  Ids ids;
  for (const char c : word) ids.push_back(c - 'a');
  for (;;) {
    std::size_t best_rank = vocabulary.merges.size(), best_at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
      for (std::size_t rank = 0; rank < best_rank; ++rank)
        if (vocabulary.merges[rank].left == ids[i] && vocabulary.merges[rank].right == ids[i + 1])
          best_rank = rank, best_at = i;
    if (best_rank == vocabulary.merges.size()) return ids;
    ids[best_at] = vocabulary.merges[best_rank].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

TEST(Bpe, ShortAndLongWordsFollowTheDefinition) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  ModelScratch scratch;
  for (int round = 0; round < 50; ++round) {
    const Vocabulary vocabulary(random);
    const MadeBpe bpe(vocabulary.surfaces, vocabulary.merges, Ids(256, -1),
                      {.byte_level = round % 2 == 0});
    for (int i = 0; i < 40; ++i) {
      const std::string word = random_word(random);
      Ids ids;
      bpe.encode(word, ids, scratch);
      EXPECT_EQ(ids, by_definition(vocabulary, word)) << word;
      Ids again;
      bpe.encode(word, again, scratch);  // perhaps remembered as one token
      EXPECT_EQ(again, ids);
    }
  }
}

// The same vocabularies with a space mark in place of "c". Those without a merge across the mark's
// beginning are cut there, the others are not.
TEST(Bpe, WordsWithSpaceMarksFollowTheDefinition) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  const auto marked = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == 'c' ? "\u2581" : std::string(1, c);
    return out;
  };
  ModelScratch scratch;
  for (int round = 0; round < 100; ++round) {
    Vocabulary vocabulary(random);
    if (round % 2 == 0) {
      std::erase_if(vocabulary.merges, [&](const BpeMerge& m) {
        return vocabulary.surfaces[static_cast<std::size_t>(m.right)].starts_with('c') &&
               !vocabulary.surfaces[static_cast<std::size_t>(m.left)].ends_with('c');
      });
    }
    std::vector<std::string> surfaces;
    for (const std::string& surface : vocabulary.surfaces) surfaces.push_back(marked(surface));
    const MadeBpe bpe(surfaces, vocabulary.merges, Ids(256, -1), {});
    for (int i = 0; i < 40; ++i) {
      const std::string word = random_word(random);
      Ids ids;
      bpe.encode(marked(word), ids, scratch);
      EXPECT_EQ(ids, by_definition(vocabulary, word)) << word;
    }
  }
}

TEST(Bpe, UnknownCharactersFallBackFuseOrVanish) {
  ModelScratch scratch;
  const std::vector<std::string> surfaces{"", "a"};  // 0 is the unknown token
  const auto encode = [&](Ids byte_tokens, BpeSettings settings, std::string_view word) {
    Ids ids;
    MadeBpe(surfaces, {}, std::move(byte_tokens), std::move(settings)).encode(word, ids, scratch);
    return ids;
  };
  Ids bytes(256, -1);
  EXPECT_EQ(encode(bytes, {.unk = 0}, "axya"), (Ids{1, 0, 0, 1}));
  EXPECT_EQ(encode(bytes, {.fuse_unk = true, .unk = 0}, "axya"), (Ids{1, 0, 1}));
  EXPECT_EQ(encode(bytes, {}, "axya"), (Ids{1, 1}));
  bytes[0xC3] = 30, bytes[0xA9] = 31;
  EXPECT_EQ(encode(bytes, {.byte_fallback = true, .unk = 0}, "a\xC3\xA9"), (Ids{1, 30, 31}));
  EXPECT_EQ(encode(bytes, {.byte_fallback = true, .unk = 0}, "a\xC3\xA8"), (Ids{1, 0}));
}

}  // namespace
}  // namespace lathe::text
