// Keys and values of beginnings that were computed already, to be shared by later sequences: a tree
// for each set of adapters (and of rotary angles, where the model has several), with one page of
// the pool for each node. A node is known by all tokens from the start to its page; they are
// compared, not hashed.
//
// The pages belong to the pool that sequences take theirs from: evict() gives the least recently
// used ones back. Not thread-safe; the pool must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/request.h"
#include "models/kv_cache.h"

namespace lathe::engine {

class PrefixCache {
 public:
  PrefixCache() = default;
  ~PrefixCache() { clear(); }
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // What rows depend on beside their tokens.
  struct Origin {
    Origin(Adapters a, std::size_t set = 0) : adapters(std::move(a)), angles(set) {}
    Adapters adapters;
    std::size_t angles;  // Rotary::set_of()
  };

  // Gives `sequence`, which must be empty, the pages of the longest known beginning of tokens of
  // this origin. Returns its rows.
  std::size_t begin(const Origin& origin, std::span<const std::int32_t> tokens,
                    models::KvSequence& sequence);

  // Keeps the whole pages of tokens that a sequence has computed.
  void insert(const Origin& origin, std::span<const std::int32_t> tokens,
              const models::KvSequence& sequence, models::KvPool& pool);

  // Gives up to `pages` pages back to the pool, the least recently used first; only pages that no
  // sequence is using. All or nothing. Returns whether it did.
  bool evict(std::size_t pages);
  void clear();

  std::size_t pages() const { return recency_.size(); }

 private:
  static constexpr std::size_t kRows = models::KvPool::kPageRows;
  using Block = std::array<std::int32_t, kRows>;
  struct Node;
  using Children = std::map<Block, std::unique_ptr<Node>>;
  struct Node {
    explicit Node(models::KvPool& pool) : page(pool) {}
    models::KvSequence page;  // one page
    Children children;
    Children* siblings = nullptr;  // the map that this node is in
    Children::iterator place;      // where it is in there
    std::list<Node*>::iterator recency;
    bool in_use = false;  // by a sequence, it or a node below it; as of the last evict()
  };
  // Adapters that are gone keep their identity here, so that a new object at the same address is
  // not taken for them.
  struct Identity {
    std::weak_ptr<const models::SequenceAdapters> owner;
    const models::SequenceAdapters* adapters = nullptr;
    std::size_t angles = 0;
    explicit Identity(const Origin& origin)
        : owner(origin.adapters), adapters(origin.adapters.get()), angles(origin.angles) {}
    bool operator<(const Identity& other) const {
      if (owner.owner_before(other.owner)) return true;
      if (other.owner.owner_before(owner)) return false;
      return std::pair(adapters, angles) < std::pair(other.adapters, other.angles);
    }
  };

  static Block block_at(std::span<const std::int32_t> tokens, std::size_t page);
  void remove(Node& leaf);
  // Moves the path before everything else, the root's side first, so that the last node of the list
  // is always a leaf.
  void touch(const std::vector<Node*>& path);

  std::map<Identity, Children> roots_;
  std::list<Node*> recency_;  // most recent first; a node stands before its children
};

}  // namespace lathe::engine
