#include "engine/prefix_cache.h"

#include <algorithm>

namespace lathe::engine {

PrefixCache::Block PrefixCache::block_at(std::span<const std::int32_t> tokens, std::size_t page) {
  Block block;
  std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(page * kRows), kRows, block.begin());
  return block;
}

std::size_t PrefixCache::begin(const Origin& origin, std::span<const std::int32_t> tokens,
                               models::KvSequence& sequence) {
  const auto root = roots_.find(Identity(origin));
  if (root == roots_.end()) return 0;
  const Children* children = &root->second;
  std::vector<Node*> path;
  while ((path.size() + 1) * kRows <= tokens.size()) {
    const auto found = children->find(block_at(tokens, path.size()));
    if (found == children->end()) break;
    path.push_back(found->second.get());
    sequence.append_shared(path.back()->page, 0);
    children = &path.back()->children;
  }
  touch(path);
  return path.size() * kRows;
}

void PrefixCache::insert(const Origin& origin, std::span<const std::int32_t> tokens,
                         const models::KvSequence& sequence, models::KvPool& pool) {
  const std::size_t pages = std::min(tokens.size(), sequence.length()) / kRows;
  if (pages == 0) return;
  std::erase_if(roots_, [](const auto& root) { return root.second.empty(); });
  Children* children = &roots_[Identity(origin)];
  std::vector<Node*> path;
  for (std::size_t page = 0; page < pages; ++page) {
    const auto [place, is_new] = children->try_emplace(block_at(tokens, page));
    if (is_new) {
      place->second = std::make_unique<Node>(pool);
      Node& node = *place->second;
      node.page.append_shared(sequence, page);
      node.siblings = children;
      node.place = place;
      node.recency = recency_.insert(recency_.begin(), &node);
    }
    path.push_back(place->second.get());
    children = &path.back()->children;
  }
  touch(path);
}

void PrefixCache::touch(const std::vector<Node*>& path) {
  for (auto node = path.rbegin(); node != path.rend(); ++node) {
    recency_.splice(recency_.begin(), recency_, (*node)->recency);
  }
}

bool PrefixCache::evict(std::size_t pages) {
  // Children stand behind their parents in the list, so they are seen first.
  std::vector<Node*> unused;
  for (auto it = recency_.rbegin(); it != recency_.rend() && unused.size() < pages; ++it) {
    Node& node = **it;
    node.in_use = node.page.owners(0) > 1 ||
                  std::any_of(node.children.begin(), node.children.end(),
                              [](const auto& child) { return child.second->in_use; });
    if (!node.in_use) unused.push_back(&node);
  }
  if (unused.size() < pages) return false;
  for (Node* node : unused) remove(*node);
  return true;
}

void PrefixCache::remove(Node& leaf) {
  LATHE_ASSERT(leaf.children.empty());
  recency_.erase(leaf.recency);
  leaf.siblings->erase(leaf.place);  // ends the node
}

void PrefixCache::clear() {
  while (!recency_.empty()) remove(*recency_.back());
  roots_.clear();
}

}  // namespace lathe::engine
