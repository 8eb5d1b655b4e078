// A set of byte strings with a number each, walked byte by byte: a double array, one addition and
// one comparison a step.
//
// Immutable after build(); any number of threads may walk it.
// Source: Aoe, An Efficient Digital Search Algorithm by Using a Double-Array Structure (1989).
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::text {

class Trie {
 public:
  using Node = std::int32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = -1;

  struct Entry {
    std::string_view key;    // not empty
    std::int32_t value = 0;  // not negative
  };

  Trie() : cells_(1) {}

  // Of equal keys the last one in `entries` counts. The keys are not kept.
  static Trie build(std::vector<Entry> entries);

  // The node one byte further, or kNone.
  Node step(Node node, char byte) const {
    const auto next = static_cast<std::uint32_t>(cells_[static_cast<std::size_t>(node)].base) +
                      static_cast<unsigned char>(byte);
    return next < cells_.size() && cells_[next].parent == node ? static_cast<Node>(next) : kNone;
  }

  // The number of the key that ends at this node, or -1.
  std::int32_t value(Node node) const { return cells_[static_cast<std::size_t>(node)].value; }

  // The number of a whole key, or -1.
  std::int32_t find(std::string_view key) const {
    Node node = kRoot;
    for (const char byte : key)
      if ((node = step(node, byte)) == kNone) return -1;
    return value(node);
  }

 private:
  struct Cell {
    std::int32_t base = 0;        // the child by byte b lies at base + b
    std::int32_t parent = kNone;  // whose child this is; kNone: free
    std::int32_t value = -1;
  };
  class Builder;
  std::vector<Cell> cells_;
};

}  // namespace lathe::text
