// From spellings to ids, for vocabularies: open addressing over strings that somebody else keeps.
// A look-up reads one place of eight bytes and compares one string as a rule: building and asking
// is most of what making a tokenizer of a large vocabulary costs.
//
// Not thread-safe while it is filled; afterwards any number of threads may ask.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  // Nothing is found.
  SpellingIndex() = default;
  // Room for all of the spellings, of which none is in it yet. They outlive it and stay where they
  // are.
  explicit SpellingIndex(std::span<const std::string> spellings);
  // Of all of them but the empty ones; of equal ones the first is found.
  static SpellingIndex of(std::span<const std::string> spellings);

  // Makes spellings[id] known unless it is; returns the id that it is found under.
  std::int32_t add(std::int32_t id);
  // spellings[id] is found under this id from now on.
  void set(std::int32_t id);
  // The id of a spelling, -1 when there is none.
  std::int32_t find(std::string_view spelling) const;
  // The same for many at once, several times as fast where the index is larger than the caches:
  // the look-ups wait for memory together. REQUIRES: spellings.size() == ids.size().
  void find_all(std::span<const std::string_view> spellings, std::span<std::int32_t> ids) const;

 private:
  struct Place {
    std::uint32_t tag = 0;  // the upper half of the hash
    std::int32_t id = -1;   // -1: free
  };
  // Where it stands, or would.
  std::size_t place_of(std::string_view spelling, std::uint64_t hash) const;
  Place& claim(std::int32_t id);

  std::span<const std::string> spellings_;
  std::vector<Place> places_;
};

}  // namespace lathe::text
