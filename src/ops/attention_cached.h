// The three ways of attending over cached positions that attention_cached() chooses from.
#pragma once

#include <span>

#include "ops/ops.h"

namespace lathe::ops {

// What all work on: keys and values are in their pages already.
struct CachedAttention {
  const Value& q;
  const Value& out;  // shape of q
  const Heads& heads;
  kernels::KvType type;

  // Query heads that share a kv head.
  std::size_t group() const { return heads.count / heads.kv_count; }
  // The tiles of a kv head of a sequence.
  kernels::KvTiles keys(const CachedRows& s, std::size_t kv_head) const {
    return {s.pages, s.offset + kv_head * tile_bytes()};
  }
  kernels::KvTiles values(const CachedRows& s, std::size_t kv_head) const {
    return {s.pages, s.offset + (heads.kv_count + kv_head) * tile_bytes()};
  }

 private:
  std::size_t tile_bytes() const { return kernels::kv_tile_bytes(type, heads.dim); }
};

// Row by row, each over the tiles as they stand: for sequences that add few rows. A long context is
// attended to in parts of kKvPart positions, so that a row alone has work for several threads.
void attend_rows(Run& run, const CachedAttention& attention,
                 std::span<const CachedRows* const> sequences);

// Blocks of rows at once, for prompts. A row's sums are taken in another order than by
// attend_rows(), the same one whatever stands beside it.
//
// As f32 matrix products with the keys and values of a head, packed first.
void attend_panels(Run& run, const CachedAttention& attention,
                   std::span<const CachedRows* const> sequences);
// In bf16 on tiles. REQUIRES: run.table.attend_tiles.
void attend_blocks(Run& run, const CachedAttention& attention,
                   std::span<const CachedRows* const> sequences);

}  // namespace lathe::ops
