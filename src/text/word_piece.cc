#include "text/word_piece.h"

#include <algorithm>

#include "text/utf8.h"

namespace lathe::text {
namespace {

// The tokens that begin with the prefix, without it.
Trie trie_of(StringTable surfaces, std::string_view prefix) {
  std::vector<Trie::Entry> entries;
  for (std::size_t id = 0; id < surfaces.size(); ++id) {
    const std::string_view surface = surfaces[id];
    if (surface.size() > prefix.size() && surface.starts_with(prefix))
      entries.push_back({surface.substr(prefix.size()), static_cast<std::int32_t>(id)});
  }
  return Trie::build(std::move(entries));
}

struct Longest {
  std::size_t length = 0;
  std::int32_t id = -1;
};

Longest longest_token(const Trie& trie, std::string_view text) {
  Longest best;
  Trie::Node node = Trie::kRoot;
  for (std::size_t i = 0; i < text.size(); ++i) {
    node = trie.step(node, text[i]);
    if (node == Trie::kNone) break;
    if (const std::int32_t id = trie.value(node); id >= 0) best = {i + 1, id};
  }
  return best;
}

bool longer_than(std::string_view word, const WordPieceSettings& settings) {
  const std::int64_t characters = settings.max_characters;
  if (static_cast<std::int64_t>(word.size()) <= characters) return false;
  if (settings.byte_level) return true;
  const auto count =
      std::count_if(word.begin(), word.end(), [](char c) { return !is_utf8_continuation(c); });
  return count > characters;
}

}  // namespace

WordPiece::WordPiece(StringTable surfaces, std::int32_t unk, WordPieceSettings settings)
    : first_(trie_of(surfaces, "")),
      continuing_(trie_of(surfaces, settings.prefix)),
      unk_(unk),
      settings_(std::move(settings)) {}

void WordPiece::encode(std::string_view word, std::vector<std::int32_t>& out,
                       ModelScratch& /*scratch*/) const {
  if (longer_than(word, settings_)) return out.push_back(unk_);
  const std::size_t before = out.size();
  const Trie* trie = &first_;
  while (!word.empty()) {
    const Longest token = longest_token(*trie, word);
    if (token.id < 0) {
      out.resize(before);
      return out.push_back(unk_);
    }
    out.push_back(token.id);
    word.remove_prefix(token.length);
    trie = &continuing_;
  }
}

WordLevel::WordLevel(StringTable surfaces, std::int32_t unk)
    : words_(trie_of(surfaces, "")), unk_(unk) {}

void WordLevel::encode(std::string_view word, std::vector<std::int32_t>& out,
                       ModelScratch& /*scratch*/) const {
  const std::int32_t id = words_.find(word);
  out.push_back(id >= 0 ? id : unk_);
}

}  // namespace lathe::text
