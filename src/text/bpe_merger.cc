#include "text/bpe_merger.h"

#include <algorithm>

namespace lathe::text {

bool BpeMerger::Entry::operator<(const Entry& other) const {
  if (count != other.count) return count < other.count;
  if (pair.left != other.pair.left) return pair.left > other.pair.left;
  return pair.right > other.pair.right;
}

BpeMerger::Key BpeMerger::key_of(TokenPair pair) {
  return (Key{static_cast<std::uint32_t>(pair.left)} << 32) |
         static_cast<std::uint32_t>(pair.right);
}

void BpeMerger::push(TokenPair pair, std::int64_t count) {
  if (count >= min_frequency_) heap_.push({count, pair});
}

BpeMerger::BpeMerger(std::vector<Word> words, std::int64_t min_frequency)
    : words_(std::move(words)), min_frequency_(min_frequency) {
  for (std::uint32_t w = 0; w < words_.size(); ++w) {
    const Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      State& state = pairs_[key_of({word.ids[i], word.ids[i + 1]})];
      state.count += word.count;
      if (state.words.empty() || state.words.back() != w) state.words.push_back(w);
    }
  }
  for (const auto& [key, state] : pairs_)
    push({static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xFFFFFFFFu)},
         state.count);
}

std::optional<TokenPair> BpeMerger::best(const std::function<bool(TokenPair)>& allowed) {
  while (!heap_.empty()) {
    const Entry entry = heap_.top();
    heap_.pop();
    const std::int64_t count = pairs_[key_of(entry.pair)].count;
    if (entry.count > count) push(entry.pair, count);
    if (entry.count == count && allowed(entry.pair)) return entry.pair;
  }
  return {};
}

void BpeMerger::merge(TokenPair pair, std::int32_t result) {
  std::vector<std::uint32_t> words = std::move(pairs_[key_of(pair)].words);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  changes_.clear();
  for (const std::uint32_t word : words) merge_word(word, pair, result);
  for (const auto& [key, change] : changes_) {
    State& state = pairs_[key];
    state.count += change;
    if (change > 0)
      push({static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xFFFFFFFFu)},
           state.count);
  }
  pairs_.erase(key_of(pair));  // no word has it any more
}

void BpeMerger::merge_word(std::uint32_t index, TokenPair pair, std::int32_t result) {
  Word& word = words_[index];
  auto& ids = word.ids;
  const auto count_pairs = [&](std::int64_t change) {
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
      changes_[key_of({ids[i], ids[i + 1]})] += change;
  };
  std::size_t kept = 0;
  bool found = false;
  for (std::size_t i = 0; !found && i + 1 < ids.size(); ++i)
    found = ids[i] == pair.left && ids[i + 1] == pair.right;
  if (!found) return;
  count_pairs(-word.count);
  for (std::size_t i = 0; i < ids.size(); ++kept) {
    const bool here = i + 1 < ids.size() && ids[i] == pair.left && ids[i + 1] == pair.right;
    ids[kept] = here ? result : ids[i];
    i += here ? 2 : 1;
  }
  ids.resize(kept);
  count_pairs(word.count);
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    if (ids[i] != result && ids[i + 1] != result) continue;
    auto& seen = pairs_[key_of({ids[i], ids[i + 1]})].words;
    if (seen.empty() || seen.back() != index) seen.push_back(index);
  }
}

}  // namespace lathe::text
