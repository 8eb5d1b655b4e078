// What a tokenizer knows of its vocabulary, as flat arrays: looked up where they lie, whether
// TokenizerMemory has made them or a file is mapped that has them (packed_tokenizer.h).
//
// Whatever stands in the arrays, nothing that reads them reads outside, and no id of a token comes
// out that the vocabulary lacks: they may be bytes that somebody else wrote.
// Immutable; any number of threads may read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/bpe_tables.h"
#include "text/spelling_index.h"
#include "text/string_table.h"

namespace lathe::text {

// Bits of TokenizerTables::marks.
namespace token_mark {
inline constexpr std::uint8_t kSpecial = 1;     // a control token
inline constexpr std::uint8_t kFallback = 2;    // its text is one byte, perhaps part of a character
inline constexpr std::uint8_t kVocabulary = 4;  // the model's own; otherwise an added token alone
}  // namespace token_mark

struct TokenizerTables {
  StringTable spellings;                // by id, added tokens included; empty: no such token
  std::span<const std::uint8_t> marks;  // by id: token_mark
  SpellingIndex ids;                    // over spellings
  StringTable texts;                    // by id: what a token adds in the middle of a text
  // By id of the model's vocabulary: the text that becomes the token; empty where none does.
  StringTable surfaces;
  std::span<const double> scores;  // Unigram: by id of the model's vocabulary
  BpeTables bpe;                   // BPE

  std::size_t size() const { return spellings.size(); }
  // REQUIRES: id < size().
  bool has_mark(std::size_t id, std::uint8_t mark) const { return (marks[id] & mark) != 0; }
  bool is_special(std::size_t id) const { return has_mark(id, token_mark::kSpecial); }
};

// Arrays that are owned, while they are filled and for tokenizers that are made in memory.
struct TokenizerMemory {
  StringTableBuilder spellings, texts, surfaces;
  std::vector<std::uint8_t> marks;
  SpellingIndexBuilder ids;
  std::vector<double> scores;
  BpeMemory bpe;

  // Valid as long as this object stays where it is, unchanged.
  TokenizerTables tables() const;
};

}  // namespace lathe::text
