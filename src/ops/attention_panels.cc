#include <algorithm>
#include <vector>

#include "ops/attention_cached.h"

namespace lathe::ops {
namespace {

using kernels::kKvTile;
using kernels::Scratch;

constexpr std::size_t kBlock = 64;  // query positions at once: their scores stay in L2

// Keys and values of one head of one sequence, as panels of the table: keys as columns [dim,
// length], values [length, dim].
struct PackedHead {
  const CachedRows* sequence = nullptr;
  std::size_t kv_head = 0;
  std::size_t length = 0;
  float* keys = nullptr;
  float* values = nullptr;
};

std::size_t panel_floats(const Run& run, const Heads& heads, std::size_t length) {
  return kernels::panel_floats(run.table, heads.dim, length) +
         kernels::panel_floats(run.table, length, heads.dim);
}

// All heads of all sequences, and the memory for them.
std::vector<PackedHead> heads_to_pack(Run& run, const Heads& heads,
                                      std::span<const CachedRows* const> sequences) {
  std::size_t floats = 0;
  for (const CachedRows* s : sequences)
    floats += heads.kv_count * panel_floats(run, heads, s->start + s->count);
  float* memory = run.attention.take(floats);
  std::vector<PackedHead> packed;
  for (const CachedRows* s : sequences) {
    const std::size_t length = s->start + s->count;
    for (std::size_t head = 0; head < heads.kv_count; ++head) {
      float* keys = memory;
      packed.push_back(
          {s, head, length, keys, keys + kernels::panel_floats(run.table, heads.dim, length)});
      memory += panel_floats(run, heads, length);
    }
  }
  return packed;
}

// Keys and values of one head as f32, first as they stand in their tiles, then as panels.
void pack_head(Run& run, const CachedAttention& a, const PackedHead& head) {
  thread_local Scratch<float> memory;
  SerialParallel serial;
  const std::size_t tiles = (head.length + kKvTile - 1) / kKvTile, dim = a.heads.dim;
  const std::size_t columns = tiles * kKvTile;
  float* read = memory.take(columns * dim);
  const kernels::KvTiles keys = a.keys(*head.sequence, head.kv_head);
  for (std::size_t i = 0; i < tiles; ++i)
    run.table.read_keys({a.type, dim, keys.tile(i)}, columns, read + i * kKvTile);
  kernels::pack(run.table, {read, columns, 1}, dim, head.length, head.keys, serial);
  const kernels::KvTiles values = a.values(*head.sequence, head.kv_head);
  for (std::size_t i = 0; i < tiles; ++i)
    run.table.read_values({a.type, dim, values.tile(i)}, dim, read + i * kKvTile * dim);
  kernels::pack(run.table, {read, dim, 1}, head.length, dim, head.values, serial);
}

// Positions [first, first + rows) of a sequence, counted in its new rows, and the cached positions
// [from, end) that any of them sees; from is a whole panel.
struct QueryBlock {
  std::size_t first = 0, rows = 0;
  std::size_t from = 0, end = 0;
};

QueryBlock query_block(const Run& run, const Heads& heads, const CachedRows& s, std::size_t index) {
  QueryBlock block;
  block.first = index * kBlock;
  block.rows = std::min(kBlock, s.count - block.first);
  block.from = heads.first_seen(s.start + block.first) / run.table.panel * run.table.panel;
  block.end = s.start + block.first + block.rows;
  return block;
}

// A row of scores, of positions from block.from on, becomes probabilities.
void normalise(const Run& run, const Heads& heads, const QueryBlock& block, std::size_t position,
               const float* key_bias, float* scores) {
  const std::size_t first = heads.first_seen(position);
  const std::size_t count = position + 1 - first;
  float* seen = scores + (first - block.from);
  if (key_bias != nullptr) run.table.add_scaled(key_bias + first, 1, count, seen);
  if (heads.softcap > 0) run.table.soft_cap(seen, heads.scale, heads.softcap, count);
  run.table.softmax(seen, heads.softcap > 0 ? 1.0f : heads.scale, count);
  std::fill(scores, seen, 0.0f);
  std::fill(seen + count, scores + (block.end - block.from), 0.0f);
}

// out[rows, dim] = P V for one block and head, panel by panel of V.
void mix_values(const Run& run, const CachedAttention& a, const PackedHead& head,
                const QueryBlock& block, const float* scores, float* out) {
  const std::size_t seen = block.end - block.from, panel = run.table.panel;
  for (std::size_t column = 0; column < a.heads.dim; column += panel) {
    const kernels::MultiplyBlock product = {
        {scores, seen, 1}, block.rows,    seen, std::min(panel, a.heads.dim - column),
        out + column,      a.out.columns, false};
    run.table.multiply_f32(product, head.values + column * head.length + block.from * panel);
  }
}

void attend_block(Run& run, const CachedAttention& a, const PackedHead& head, std::size_t index) {
  thread_local Scratch<float> memory;
  const QueryBlock block = query_block(run, a.heads, *head.sequence, index);
  const std::size_t seen = block.end - block.from;
  float* scores = memory.take(block.rows * seen);
  const std::size_t group = a.group();
  const std::size_t row = head.sequence->first + block.first;
  for (std::size_t query = head.kv_head * group; query < (head.kv_head + 1) * group; ++query) {
    const kernels::MultiplyBlock product = {{a.q.row(row) + query * a.heads.dim, a.q.columns, 1},
                                            block.rows,
                                            a.heads.dim,
                                            seen,
                                            scores,
                                            seen,
                                            false};
    run.table.multiply_f32(product, head.keys + block.from * a.heads.dim);
    for (std::size_t i = 0; i < block.rows; ++i)
      normalise(run, a.heads, block, head.sequence->start + block.first + i,
                a.heads.biases_of(query), scores + i * seen);
    mix_values(run, a, head, block, scores, a.out.row(row) + query * a.heads.dim);
  }
}

}  // namespace

void attend_panels(Run& run, const CachedAttention& attention,
                   std::span<const CachedRows* const> sequences) {
  const std::vector<PackedHead> heads = heads_to_pack(run, attention.heads, sequences);
  run.parallel.run(heads.size(), [&](std::size_t i) { pack_head(run, attention, heads[i]); });
  std::vector<std::pair<std::size_t, std::size_t>> blocks;  // head, index
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::size_t count = (heads[i].sequence->count + kBlock - 1) / kBlock;
    // The last blocks see most: first, so that threads end together.
    for (std::size_t index = count; index-- > 0;) blocks.emplace_back(i, index);
  }
  run.parallel.run(blocks.size(), [&](std::size_t i) {
    attend_block(run, attention, heads[blocks[i].first], blocks[i].second);
  });
}

}  // namespace lathe::ops
