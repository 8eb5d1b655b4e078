#include "text/spelling_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/result.h"

namespace lathe::text {
namespace {

std::uint64_t hash_bytes(std::string_view bytes) {
  std::uint64_t hash = bytes.size();
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    hash = mix(hash ^ word);
    bytes.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  // Nothing stands at no place, which memcpy() must not be given.
  if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(hash ^ tail) ^ (hash >> 7);
}

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

// The place where a spelling stands, or the free one where it would; the index of none when the
// places are full, as only foreign ones are.
std::size_t place_of(std::span<const SpellingIndex::Place> places, StringTable spellings,
                     std::string_view spelling, std::uint64_t hash) {
  const std::size_t mask = places.size() - 1;
  std::size_t at = hash & mask;
  for (std::size_t tried = 0; tried < places.size(); ++tried) {
    const SpellingIndex::Place& place = places[at];
    if (place.id < 0) return at;
    if (place.tag == tag_of(hash) && spellings[static_cast<std::size_t>(place.id)] == spelling)
      return at;
    at = (at + 1) & mask;
  }
  return places.size();
}

}  // namespace

std::size_t table_size(std::size_t entries) { return std::bit_ceil(entries + entries / 2 + 2); }

std::int32_t SpellingIndex::find(std::string_view spelling, std::uint64_t hash) const {
  const std::size_t at = place_of(places_, spellings_, spelling, hash);
  if (at == places_.size()) return -1;
  const std::int32_t id = places_[at].id;
  return id >= 0 && static_cast<std::size_t>(id) < spellings_.size() ? id : -1;
}

std::int32_t SpellingIndex::find(std::string_view spelling) const {
  if (places_.empty()) return -1;
  return find(spelling, hash_bytes(spelling));
}

void SpellingIndex::find_all(std::span<const std::string_view> spellings,
                             std::span<std::int32_t> ids) const {
  LATHE_ASSERT(spellings.size() == ids.size());
  if (places_.empty()) return std::fill(ids.begin(), ids.end(), -1);
  constexpr std::size_t kTogether = 64;
  std::array<std::uint64_t, kTogether> hashes;
  const std::size_t mask = places_.size() - 1;
  for (std::size_t first = 0; first < spellings.size(); first += kTogether) {
    const std::size_t count = std::min(kTogether, spellings.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_bytes(spellings[first + i]);
      __builtin_prefetch(&places_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t id = places_[hashes[i] & mask].id;
      if (id >= 0) spellings_.prefetch(static_cast<std::size_t>(id));
    }
    for (std::size_t i = 0; i < count; ++i) ids[first + i] = find(spellings[first + i], hashes[i]);
  }
}

SpellingIndexBuilder::SpellingIndexBuilder(StringTable spellings)
    : spellings_(spellings), places_(table_size(spellings.size())) {}

SpellingIndexBuilder SpellingIndexBuilder::of(StringTable spellings) {
  SpellingIndexBuilder builder(spellings);
  for (std::size_t id = 0; id < spellings.size(); ++id)
    if (!spellings[id].empty()) builder.add(static_cast<std::int32_t>(id));
  return builder;
}

SpellingIndex::Place& SpellingIndexBuilder::claim(std::int32_t id) {
  const std::string_view spelling = spellings_[static_cast<std::size_t>(id)];
  const std::uint64_t hash = hash_bytes(spelling);
  SpellingIndex::Place& place = places_[place_of(places_, spellings_, spelling, hash)];
  if (place.id < 0) place = {tag_of(hash), id};
  return place;
}

std::int32_t SpellingIndexBuilder::add(std::int32_t id) { return claim(id).id; }

void SpellingIndexBuilder::set(std::int32_t id) { claim(id).id = id; }

}  // namespace lathe::text
