#include "ops/attention_cached.h"

#include <algorithm>
#include <vector>

namespace lathe::ops {
namespace {

using kernels::kKvTile;

// New positions of a sequence that stand in one tile of each head.
struct NewTile {
  const CachedRows* sequence;
  std::size_t index;  // of the first of its new rows
  std::size_t count;
};

std::vector<NewTile> new_tiles(std::span<const CachedRows> sequences) {
  std::vector<NewTile> tiles;
  for (const CachedRows& s : sequences) {
    for (std::size_t i = 0; i < s.count;) {
      const std::size_t count = std::min(s.count - i, kKvTile - (s.start + i) % kKvTile);
      tiles.push_back({&s, i, count});
      i += count;
    }
  }
  return tiles;
}

void write_tile(Run& run, const CachedAttention& a, const NewTile& tile, const Value& k,
                const Value& v) {
  const std::size_t position = tile.sequence->start + tile.index, dim = a.heads.dim;
  const std::size_t row = tile.sequence->first + tile.index;
  for (std::size_t head = 0; head < a.heads.kv_count; ++head) {
    kernels::KvRows rows = {a.type,    dim, k.row(row) + head * dim, k.columns, position % kKvTile,
                            tile.count};
    run.table.write_keys(rows, a.keys(*tile.sequence, head).tile(position / kKvTile));
    rows.data = v.row(row) + head * dim;
    run.table.write_values(rows, a.values(*tile.sequence, head).tile(position / kKvTile));
  }
}

// Puts the new rows into their pages, rounded: whoever attends to them reads them there.
void write_tiles(Run& run, const CachedAttention& a, std::span<const CachedRows> sequences,
                 const Value& k, const Value& v) {
  const std::vector<NewTile> tiles = new_tiles(sequences);
  if (tiles.empty()) return;
  const std::size_t cost = 2 * k.size() / tiles.size();
  run.for_rows(tiles.size(), cost, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) write_tile(run, a, tiles[i], k, v);
  });
}

}  // namespace

Value attention_cached(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                       std::span<const CachedRows> sequences, kernels::KvType type) {
  LATHE_ASSERT(run.tape == nullptr && heads.causal);
  LATHE_ASSERT(q.columns == heads.count * heads.dim && k.columns == heads.kv_count * heads.dim);
  const Value out = run.make(q.rows, q.columns, false);
  const CachedAttention attention = {q, out, heads, type};
  write_tiles(run, attention, sequences, k, v);
  std::vector<const CachedRows*> prompts, others;
  std::size_t rows = 0;
  for (const CachedRows& s : sequences) {
    const bool in_blocks = run.activations == Activations::by_row && !s.drawn;
    (in_blocks ? prompts : others).push_back(&s);
    rows += s.count;
  }
  LATHE_ASSERT(rows == q.rows);
  if (!prompts.empty()) {
    const auto attend = run.table.attend_tiles != nullptr ? attend_blocks : attend_panels;
    attend(run, attention, prompts);
  }
  if (!others.empty()) attend_rows(run, attention, others);
  return out;
}

}  // namespace lathe::ops
