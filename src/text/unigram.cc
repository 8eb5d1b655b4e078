#include "text/unigram.h"

#include <algorithm>

#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr double kUnknownPenalty = 10;

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary)
    : scores_(vocabulary.scores),
      unk_(vocabulary.unk),
      byte_tokens_(vocabulary.byte_tokens),
      byte_level_(vocabulary.byte_level) {
  std::vector<Trie::Entry> entries;
  for (std::size_t id = 0; id < vocabulary.surfaces.size(); ++id)
    if (!vocabulary.surfaces[id].empty())
      entries.push_back({vocabulary.surfaces[id], static_cast<std::int32_t>(id)});
  trie_ = Trie::build(std::move(entries));
  unk_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
}

void Unigram::find_best_path(std::string_view word,
                             std::vector<ViterbiScratch::Place>& places) const {
  places.assign(word.size() + 1, {});
  for (std::size_t at = 0; at < word.size();) {
    const double so_far = places[at].score;
    const std::size_t character = byte_level_ ? 1 : utf8_length(word[at]);
    const auto offer = [&](std::size_t end, double score, std::int32_t id) {
      ViterbiScratch::Place& place = places[end];
      if (place.from >= 0 && so_far + score <= place.score) return;
      place = {so_far + score, static_cast<std::int32_t>(at), id};
    };
    bool covered = false;
    Trie::Node node = Trie::kRoot;
    for (std::size_t end = at; end < word.size();) {
      node = trie_.step(node, word[end++]);
      if (node == Trie::kNone) break;
      const std::int32_t id = trie_.value(node);
      if (id < 0) continue;
      offer(end, scores_[static_cast<std::size_t>(id)], id);
      covered = covered || end == at + character;
    }
    if (!covered) offer(at + character, unk_score_, unk_);
    at += character;
  }
}

// Ids are put down from the end of the word to its start.
void Unigram::append_unknown(std::string_view text, std::vector<std::int32_t>& backwards) const {
  if (const std::int32_t id = trie_.find(text); id >= 0) return backwards.push_back(id);
  const auto token_of = [&](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  const bool falls_back =
      !byte_tokens_.empty() &&
      std::all_of(text.begin(), text.end(), [&](char c) { return token_of(c) >= 0; });
  if (!falls_back) return backwards.push_back(unk_);
  for (auto c = text.rbegin(); c != text.rend(); ++c) backwards.push_back(token_of(*c));
}

void Unigram::encode(std::string_view word, std::vector<std::int32_t>& out,
                     ModelScratch& scratch) const {
  auto& places = scratch.viterbi.places;
  auto& ids = scratch.viterbi.ids;
  find_best_path(word, places);
  ids.clear();
  for (std::size_t end = word.size(); end > 0;) {
    const std::int32_t id = places[end].id;
    auto begin = static_cast<std::size_t>(places[end].from);
    if (id == unk_) {
      while (begin > 0 && places[begin].id == unk_)
        begin = static_cast<std::size_t>(places[begin].from);
      append_unknown(word.substr(begin, end - begin), ids);
    } else {
      ids.push_back(id);
    }
    end = begin;
  }
  out.insert(out.end(), ids.rbegin(), ids.rend());
}

}  // namespace lathe::text
