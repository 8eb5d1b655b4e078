#include "text/bpe_tables.h"

namespace lathe::text {
namespace {

constexpr std::size_t kByteValues = 256;

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) |
         static_cast<std::uint32_t>(right);
}

std::vector<BpePair> pairs_of(std::span<const BpeMerge> merges,
                              const std::vector<bool>& forbidden) {
  std::vector<BpePair> pairs(table_size(merges.size()));
  const std::size_t mask = pairs.size() - 1;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const BpeMerge& merge = merges[rank];
    if (forbidden[static_cast<std::size_t>(merge.result)]) continue;
    const std::uint64_t key = pair_key(merge.left, merge.right);
    std::size_t place = mix(key) & mask;
    while (pairs[place].key != BpePair::kFree && pairs[place].key != key)
      place = (place + 1) & mask;
    pairs[place] = {key, static_cast<std::uint32_t>(rank), merge.result};
  }
  return pairs;
}

}  // namespace

void BpeMemory::index(StringTable surfaces, const std::vector<bool>& forbidden) {
  words = SpellingIndexBuilder::of(surfaces);
  pairs = pairs_of(merges, forbidden);
  byte_symbols.resize(kByteValues);
  for (std::size_t byte = 0; byte < kByteValues; ++byte) {
    const char c = static_cast<char>(static_cast<unsigned char>(byte));
    byte_symbols[byte] = words.index().find({&c, 1});
  }
}

BpeTables BpeMemory::tables() const {
  return {merges, words.index(), pairs, byte_tokens, byte_symbols};
}

const BpePair* find_pair(std::span<const BpePair> pairs, std::int32_t left, std::int32_t right,
                         std::size_t tokens) {
  const std::uint64_t key = pair_key(left, right);
  const std::size_t mask = pairs.size() - 1;
  std::size_t place = mix(key) & mask;
  for (std::size_t tried = 0; tried < pairs.size() && pairs[place].key != BpePair::kFree; ++tried) {
    const BpePair& pair = pairs[place];
    if (pair.key == key)
      return pair.result >= 0 && static_cast<std::size_t>(pair.result) < tokens ? &pair : nullptr;
    place = (place + 1) & mask;
  }
  return nullptr;
}

}  // namespace lathe::text
