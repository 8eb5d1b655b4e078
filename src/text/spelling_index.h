// From spellings to ids, for vocabularies: open addressing over a table of strings. A look-up reads
// one place of eight bytes and compares one string as a rule: building and asking is most of what
// making a tokenizer of a large vocabulary costs.
//
// An index only looks at its places, which may lie in a mapped file that somebody else wrote:
// whatever stands in them, a look-up ends and gives an id of the table or -1.
//
// A builder is not thread-safe; any number of threads may ask an index.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/string_table.h"

namespace lathe::text {

// Spreads the bits of a key over the whole word.
inline std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ (x >> 29);
}

// Places for so many entries: a power of two, at least a third of it free.
std::size_t table_size(std::size_t entries);

class SpellingIndex {
 public:
  struct Place {
    std::uint32_t tag = 0;  // the upper half of the hash
    std::int32_t id = -1;   // -1: free
  };

  // Nothing is found.
  SpellingIndex() = default;
  // REQUIRES: a power of two of places, or none.
  SpellingIndex(StringTable spellings, std::span<const Place> places)
      : spellings_(spellings), places_(places) {}

  // The id of a spelling, -1 when there is none.
  std::int32_t find(std::string_view spelling) const;
  // The same for many at once, several times as fast where the index is larger than the caches:
  // the look-ups wait for memory together. REQUIRES: spellings.size() == ids.size().
  void find_all(std::span<const std::string_view> spellings, std::span<std::int32_t> ids) const;

  std::span<const Place> places() const { return places_; }

 private:
  std::int32_t find(std::string_view spelling, std::uint64_t hash) const;

  StringTable spellings_;
  std::span<const Place> places_;
};

// Fills the places of an index.
class SpellingIndexBuilder {
 public:
  SpellingIndexBuilder() = default;
  // Room for all of the spellings, of which none is in it yet.
  explicit SpellingIndexBuilder(StringTable spellings);
  // Of all of them but the empty ones; of equal ones the first is found.
  static SpellingIndexBuilder of(StringTable spellings);

  // Makes spellings[id] known unless it is; returns the id that it is found under.
  std::int32_t add(std::int32_t id);
  // spellings[id] is found under this id from now on.
  void set(std::int32_t id);
  // Valid as long as this object (moves included) and the table's memory.
  SpellingIndex index() const { return {spellings_, places_}; }

 private:
  SpellingIndex::Place& claim(std::int32_t id);

  StringTable spellings_;
  std::vector<SpellingIndex::Place> places_;
};

// An index over strings that are given as such, with a table of its own. Immutable.
class OwnedSpellingIndex {
 public:
  // Of all of them but the empty ones; of equal ones the first is found.
  explicit OwnedSpellingIndex(std::span<const std::string> spellings)
      : spellings_(spellings), places_(SpellingIndexBuilder::of(spellings_.table())) {}
  OwnedSpellingIndex(const OwnedSpellingIndex&) = delete;
  OwnedSpellingIndex& operator=(const OwnedSpellingIndex&) = delete;

  SpellingIndex index() const { return places_.index(); }

 private:
  StringTableBuilder spellings_;
  SpellingIndexBuilder places_;
};

}  // namespace lathe::text
