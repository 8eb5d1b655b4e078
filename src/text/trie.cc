#include "text/trie.h"

#include <algorithm>

namespace lathe::text {

class Trie::Builder {
 public:
  explicit Builder(std::vector<Entry> entries) : entries_(std::move(entries)), cells_(1) {
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.key < b.key; });
  }

  std::vector<Cell> run() {
    pending_.push_back({kRoot, 0, entries_.size(), 0});
    while (!pending_.empty()) {
      const Range range = pending_.back();
      pending_.pop_back();
      expand(range);
    }
    return std::move(cells_);
  }

 private:
  // The entries below a node: they share their first `depth` bytes.
  struct Range {
    Node node = kRoot;
    std::size_t begin = 0, end = 0, depth = 0;
  };

  void expand(Range range) {
    while (range.begin < range.end && entries_[range.begin].key.size() == range.depth)
      cell(range.node).value = entries_[range.begin++].value;
    if (range.begin == range.end) return;
    children_.clear();
    for (std::size_t i = range.begin; i < range.end;) {
      const char byte = entries_[i].key[range.depth];
      std::size_t end = i;
      while (end < range.end && entries_[end].key[range.depth] == byte) ++end;
      children_.push_back(
          {static_cast<Node>(static_cast<unsigned char>(byte)), i, end, range.depth + 1});
      i = end;
    }
    const Node base = free_base();
    cell(range.node).base = base;
    for (Range child : children_) {
      child.node += base;
      cell(child.node).parent = range.node;
      pending_.push_back(child);
    }
  }

  static constexpr Node kMaxTries = 4096;

  // A base for which all children_ fall on free cells.
  Node free_base() {
    const Node first = children_.front().node;
    while (taken(first_free_)) ++first_free_;
    Node tries = 0, full = 0;
    for (Node at = std::max(first_free_, first + 1);; ++at) {
      // A search that takes long ends behind everything: time stays linear in the keys.
      if (++tries == kMaxTries) at = std::max(static_cast<Node>(cells_.size()), at);
      full += taken(at);
      if (taken(at)) continue;
      const Node base = at - first;
      const bool fits = std::none_of(children_.begin(), children_.end(),
                                     [&](const Range& child) { return taken(base + child.node); });
      if (!fits) continue;
      // A stretch that is nearly full is not searched again.
      if (tries > 64 && full > tries - tries / 20) first_free_ = at;
      reserve(static_cast<std::size_t>(base) + 256);
      return base;
    }
  }

  bool taken(Node at) const {
    const auto index = static_cast<std::size_t>(at);
    return index < cells_.size() && (index == 0 || cells_[index].parent != kNone);
  }

  void reserve(std::size_t size) {
    if (cells_.size() < size) cells_.resize(size);
  }

  Cell& cell(Node node) { return cells_[static_cast<std::size_t>(node)]; }

  std::vector<Entry> entries_;
  std::vector<Cell> cells_;
  std::vector<Range> pending_, children_;
  Node first_free_ = 1;
};

Trie Trie::build(std::vector<Entry> entries) {
  Trie trie;
  if (!entries.empty()) trie.cells_ = Builder(std::move(entries)).run();
  return trie;
}

}  // namespace lathe::text
