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
  std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(hash ^ tail) ^ (hash >> 7);
}

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

std::size_t table_size(std::size_t entries) { return std::bit_ceil(entries + entries / 2 + 2); }

SpellingIndex::SpellingIndex(std::span<const std::string> spellings)
    : spellings_(spellings), places_(table_size(spellings.size())) {}

SpellingIndex SpellingIndex::of(std::span<const std::string> spellings) {
  SpellingIndex index(spellings);
  for (std::size_t id = 0; id < spellings.size(); ++id)
    if (!spellings[id].empty()) index.add(static_cast<std::int32_t>(id));
  return index;
}

std::size_t SpellingIndex::place_of(std::string_view spelling, std::uint64_t hash) const {
  const std::size_t mask = places_.size() - 1;
  std::size_t at = hash & mask;
  while (places_[at].id >= 0) {
    const bool same = places_[at].tag == tag_of(hash) &&
                      spellings_[static_cast<std::size_t>(places_[at].id)] == spelling;
    if (same) break;
    at = (at + 1) & mask;
  }
  return at;
}

SpellingIndex::Place& SpellingIndex::claim(std::int32_t id) {
  const std::string& spelling = spellings_[static_cast<std::size_t>(id)];
  const std::uint64_t hash = hash_bytes(spelling);
  Place& place = places_[place_of(spelling, hash)];
  if (place.id < 0) place = {tag_of(hash), id};
  return place;
}

std::int32_t SpellingIndex::add(std::int32_t id) { return claim(id).id; }

void SpellingIndex::set(std::int32_t id) { claim(id).id = id; }

std::int32_t SpellingIndex::find(std::string_view spelling) const {
  if (places_.empty()) return -1;
  return places_[place_of(spelling, hash_bytes(spelling))].id;
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
      if (id >= 0) __builtin_prefetch(&spellings_[static_cast<std::size_t>(id)]);
    }
    for (std::size_t i = 0; i < count; ++i)
      ids[first + i] = places_[place_of(spellings[first + i], hashes[i])].id;
  }
}

}  // namespace lathe::text
