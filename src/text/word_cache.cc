#include "text/word_cache.h"

#include <algorithm>

namespace lathe::text {

void WordCache::Entry::put(std::string_view new_word, std::span<const std::int32_t> new_ids) {
  if (new_word.size() > kMaxBytes || new_ids.size() > kMaxIds) return;
  size = static_cast<std::uint8_t>(new_word.size());
  count = static_cast<std::uint8_t>(new_ids.size());
  std::memcpy(word.data(), new_word.data(), new_word.size());
  std::copy(new_ids.begin(), new_ids.end(), ids.begin());
}

WordCache::Entry& WordCache::place_of(std::string_view word) {
  std::uint64_t hash = word.size() * 0x9E3779B97F4A7C15u;
  while (!word.empty()) {
    std::uint64_t bytes = 0;
    const std::size_t count = std::min<std::size_t>(word.size(), 8);
    std::memcpy(&bytes, word.data(), count);
    hash = (hash ^ bytes) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
    word.remove_prefix(count);
  }
  return places_[hash & (kPlaces - 1)];
}

std::unique_ptr<EncodeScratch> ScratchPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<EncodeScratch>();
}

void ScratchPool::give_back(std::unique_ptr<EncodeScratch> scratch) {
  const std::lock_guard lock(mutex_);
  if (free_.size() < kMaxKept) free_.push_back(std::move(scratch));
}

}  // namespace lathe::text
