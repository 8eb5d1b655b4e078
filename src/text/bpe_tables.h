// What byte pair encoding looks up, as flat arrays; see tokenizer_tables.h for who owns them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/spelling_index.h"
#include "text/string_table.h"

namespace lathe::text {

// merges[i] joins left and right into result; i is its rank.
struct BpeMerge {
  std::int32_t left = 0, right = 0, result = 0;
};

// A merge in the table of pairs.
struct BpePair {
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  std::uint64_t key = kFree;  // left in the upper half, right in the lower
  std::uint32_t rank = 0;
  std::int32_t result = 0;
};

struct BpeTables {
  std::span<const BpeMerge> merges;
  SpellingIndex words;             // over surfaces; of equal ones the first
  std::span<const BpePair> pairs;  // open addressing: a power of two
  // By byte: the token <0xBB>, and the one whose surface is the byte; -1 for none. 256 each.
  std::span<const std::int32_t> byte_tokens, byte_symbols;
};

struct BpeMemory {
  std::vector<BpeMerge> merges;
  SpellingIndexBuilder words;
  std::vector<BpePair> pairs;
  std::vector<std::int32_t> byte_tokens, byte_symbols;

  // Fills all but merges and byte_tokens, which are given. Merges that make a token with
  // forbidden[result] are left out of the pairs. surfaces[id] is a token's surface: raw bytes for
  // byte-level models, its spelling for others; empty for an id that text never becomes.
  // REQUIRES: the merges' ids are of surfaces.
  void index(StringTable surfaces, const std::vector<bool>& forbidden);
  BpeTables tables() const;
};

// The merge of two tokens; nullptr when there is none, or none whose result is below `tokens`.
const BpePair* find_pair(std::span<const BpePair> pairs, std::int32_t left, std::int32_t right,
                         std::size_t tokens);

}  // namespace lathe::text
