#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace lathe::text {
namespace {

// Words up to this many symbols are merged by scanning; the scan is quadratic, but in cache.
constexpr std::size_t kShortWord = 32;
// What SentencePiece-style tokenizers write for a space.
constexpr std::string_view kSpaceMark = "\u2581";
constexpr std::uint32_t kNoRank = ~std::uint32_t{0};

}  // namespace

Bpe::Bpe(StringTable surfaces, const BpeTables& tables, BpeSettings settings)
    : settings_(std::move(settings)),
      surfaces_(surfaces),
      tables_(tables),
      whole_(std::make_unique<std::atomic<Whole>[]>(surfaces.size())) {}

// Then what stands before such a place and what stands behind it are merged independently.
bool never_joins_across_marks(StringTable surfaces, const BpeTables& tables,
                              const BpeSettings& settings) {
  if (settings.byte_level || settings.ignore_merges || tables.words.find(kSpaceMark) < 0 ||
      !settings.continuing_prefix.empty() || !settings.end_suffix.empty())
    return false;
  const auto surface = [&](std::int32_t id) { return surfaces[static_cast<std::size_t>(id)]; };
  return std::ranges::all_of(tables.merges, [&](const BpeMerge& merge) {
    const std::string_view left = surface(merge.left), right = surface(merge.right);
    const std::string_view result = surface(merge.result);
    return result.size() == left.size() + right.size() && result.starts_with(left) &&
           result.ends_with(right) &&
           (left.ends_with(kSpaceMark) || !right.starts_with(kSpaceMark));
  });
}

void Bpe::encode(std::string_view word, std::vector<std::int32_t>& out,
                 ModelScratch& scratch) const {
  if (!settings_.cuts_at_marks) return encode_piece(word, out, scratch);
  while (!word.empty()) {
    std::size_t marks = 0;
    while (word.substr(marks).starts_with(kSpaceMark)) marks += kSpaceMark.size();
    const std::size_t length = std::min(word.find(kSpaceMark, marks), word.size());
    encode_piece(word.substr(0, length), out, scratch);
    word.remove_prefix(length);
  }
}

void Bpe::encode_piece(std::string_view word, std::vector<std::int32_t>& out,
                       ModelScratch& model_scratch) const {
  BpeScratch& scratch = model_scratch.bpe;
  const std::int32_t token = tables_.words.find(word);
  std::atomic<Whole>* whole = token < 0 ? nullptr : &whole_[static_cast<std::size_t>(token)];
  if (whole != nullptr &&
      (settings_.ignore_merges || whole->load(std::memory_order_relaxed) == Whole::yes)) {
    out.push_back(token);
    return;
  }
  scratch.ids.clear();
  append_symbols(word, scratch.ids);
  if (scratch.ids.size() <= kShortWord)
    merge_short(scratch.ids);
  else
    merge_long(scratch);
  if (whole != nullptr) {
    const bool alone = scratch.ids.size() == 1 && scratch.ids[0] == token;
    whole->store(alone ? Whole::yes : Whole::no, std::memory_order_relaxed);
  }
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

std::int32_t Bpe::symbol_id(std::string_view symbol) const {
  return symbol.size() == 1 ? tables_.byte_symbols[static_cast<unsigned char>(symbol[0])]
                            : tables_.words.find(symbol);
}

void Bpe::append_symbols(std::string_view word, std::vector<std::int32_t>& ids) const {
  const bool marked = !settings_.continuing_prefix.empty() || !settings_.end_suffix.empty();
  bool after_unknown = false;
  std::string with_marks;
  for (bool first = true; !word.empty(); first = false) {
    const std::size_t length = settings_.byte_level ? 1 : utf8_length(word[0]);
    std::string_view symbol = word.substr(0, length);
    word.remove_prefix(length);
    if (marked) {
      with_marks = first ? std::string() : settings_.continuing_prefix;
      with_marks.append(symbol);
      if (word.empty()) with_marks += settings_.end_suffix;
      symbol = with_marks;
    }
    const std::int32_t id = symbol_id(symbol);
    if (id >= 0) {
      ids.push_back(id);
      after_unknown = false;
    } else {
      append_unknown(symbol, ids, after_unknown);
    }
  }
}

void Bpe::append_unknown(std::string_view character, std::vector<std::int32_t>& ids,
                         bool& after_unknown) const {
  const auto token_of = [&](char c) { return tables_.byte_tokens[static_cast<unsigned char>(c)]; };
  const bool falls_back =
      settings_.byte_fallback &&
      std::all_of(character.begin(), character.end(), [&](char c) { return token_of(c) >= 0; });
  if (falls_back) {
    for (const char c : character) ids.push_back(token_of(c));
    after_unknown = false;
    return;
  }
  if (!settings_.unk) return;
  if (!(after_unknown && settings_.fuse_unk)) ids.push_back(*settings_.unk);
  after_unknown = true;
}

void Bpe::merge_short(std::vector<std::int32_t>& ids) const {
  std::array<std::uint32_t, kShortWord> ranks;  // of the pair (i, i + 1)
  std::array<std::int32_t, kShortWord> results;
  std::size_t count = ids.size();
  const auto look_up = [&](std::size_t i) {
    const BpePair* pair = pair_of(ids[i], ids[i + 1]);
    ranks[i] = pair == nullptr ? kNoRank : pair->rank;
    results[i] = pair == nullptr ? 0 : pair->result;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    const auto best = static_cast<std::size_t>(
        std::min_element(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(count - 1)) -
        ranks.begin());
    if (ranks[best] == kNoRank) break;
    ids[best] = results[best];
    for (std::size_t i = best + 1; i + 1 < count; ++i) {
      ids[i] = ids[i + 1];
      ranks[i] = ranks[i + 1];
      results[i] = results[i + 1];
    }
    --count;
    if (best + 1 < count) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  ids.resize(count);
}

void Bpe::merge_long(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  const auto later = [](const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto count = static_cast<std::int32_t>(scratch.ids.size());
  symbols.clear();
  heap.clear();
  for (std::int32_t i = 0; i < count; ++i)
    symbols.push_back(
        {scratch.ids[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  const auto at = [&](std::int32_t i) -> BpeScratch::Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  const auto pair_at = [&](std::int32_t left) -> const BpePair* {
    const std::int32_t right = at(left).next;
    return right < 0 ? nullptr : pair_of(at(left).id, at(right).id);
  };
  const auto consider = [&](std::int32_t left, bool in_heap_order) {
    const BpePair* pair = pair_at(left);
    if (pair == nullptr) return;
    heap.push_back({pair->rank, left, pair->result});
    if (in_heap_order) std::push_heap(heap.begin(), heap.end(), later);
  };
  for (std::int32_t i = 0; i < count; ++i) consider(i, false);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const BpeScratch::Candidate best = heap.back();
    heap.pop_back();
    if (at(best.at).id < 0) continue;  // merged away since
    const BpePair* pair = pair_at(best.at);
    if (pair == nullptr || pair->rank != best.rank) continue;  // a neighbour has changed since
    BpeScratch::Symbol& left = at(best.at);
    BpeScratch::Symbol& right = at(left.next);
    left.id = best.result;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = best.at;
    if (left.previous >= 0) consider(left.previous, true);
    consider(best.at, true);
  }
  scratch.ids.clear();
  for (std::int32_t i = 0; i >= 0; i = at(i).next) scratch.ids.push_back(at(i).id);
}

}  // namespace lathe::text
