// Words seen lately and their ids: most words of a text are old acquaintances.
//
// Direct-mapped and of fixed size (about 1 MiB): a word takes the place of another with the same
// hash, so memory is bounded and nothing is ever cleared. Not thread-safe: ScratchPool lends each
// call of Tokenizer::encode() one of its own.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "text/token_model.h"

namespace lathe::text {

class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 30;  // longer words are not kept
  static constexpr std::size_t kMaxIds = 8;

  struct Entry {
    std::uint8_t size = 0;  // of the word; 0: empty
    std::uint8_t count = 0;
    std::array<char, kMaxBytes> word;
    std::array<std::int32_t, kMaxIds> ids;

    bool holds(std::string_view other) const {
      return size == other.size() && std::memcmp(word.data(), other.data(), size) == 0;
    }
    std::span<const std::int32_t> found() const { return std::span(ids).first(count); }
    void put(std::string_view new_word, std::span<const std::int32_t> new_ids);
  };

  // The one place where a word of 1 to kMaxBytes bytes can be.
  Entry& place_of(std::string_view word);

 private:
  static constexpr std::size_t kPlaces = std::size_t{1} << 14;
  std::unique_ptr<Entry[]> places_ = std::make_unique<Entry[]>(kPlaces);
};

// What one call of encode() works with.
struct EncodeScratch {
  ModelScratch model;
  WordCache words;
};

// Keeps the scratches of finished calls for later ones: as many as ran at once, at most kMaxKept.
// Thread-safe.
class ScratchPool {
 public:
  std::unique_ptr<EncodeScratch> take();
  void give_back(std::unique_ptr<EncodeScratch> scratch);

 private:
  static constexpr std::size_t kMaxKept = 16;
  std::mutex mutex_;
  std::vector<std::unique_ptr<EncodeScratch>> free_;
};

}  // namespace lathe::text
