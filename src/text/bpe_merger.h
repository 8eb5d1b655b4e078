// The heart of BPE training: words with counts in, merges out, one at a time.
//
// The counts of all pairs are kept up to date as words change, and a heap gives the most frequent
// one, so a step costs what the words with its pair cost. Heap entries may be out of date: a pair
// whose count fell goes back with the right count, one whose count grew has a newer entry.
// Not thread-safe; belongs to one training.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

namespace lathe::text {

struct TokenPair {
  std::int32_t left = 0, right = 0;
  bool operator==(const TokenPair&) const = default;
};

class BpeMerger {
 public:
  struct Word {
    std::vector<std::int32_t> ids;
    std::int64_t count = 0;
  };

  BpeMerger(std::vector<Word> words, std::int64_t min_frequency);

  // The most frequent pair (ties: smaller left, then smaller right) that allowed() does not refuse;
  // nothing when no pair is as frequent as min_frequency. A refused pair never comes again.
  std::optional<TokenPair> best(const std::function<bool(TokenPair)>& allowed);

  // Replaces the pair by one token in all words, leftmost first where pairs overlap.
  void merge(TokenPair pair, std::int32_t result);

 private:
  using Key = std::uint64_t;
  struct State {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // where it was seen; may be out of date or doubled
  };
  struct Entry {
    std::int64_t count = 0;
    TokenPair pair;
    bool operator<(const Entry& other) const;  // the heap's top is the best
  };
  struct KeyHash {
    std::size_t operator()(Key key) const {
      key *= 0x9E3779B97F4A7C15u;
      return static_cast<std::size_t>(key ^ (key >> 32));
    }
  };

  static Key key_of(TokenPair pair);
  void push(TokenPair pair, std::int64_t count);
  void merge_word(std::uint32_t word, TokenPair pair, std::int32_t result);

  std::vector<Word> words_;
  std::int64_t min_frequency_;
  std::unordered_map<Key, State, KeyHash> pairs_;
  std::unordered_map<Key, std::int64_t, KeyHash> changes_;  // of one merge
  std::priority_queue<Entry> heap_;
};

}  // namespace lathe::text
