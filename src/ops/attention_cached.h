// The two ways of attending over cached positions that attention_cached() chooses from.
#pragma once

#include <span>

#include "ops/ops.h"

namespace lathe::ops {

// What both work on: keys and values are in their pages already.
struct CachedAttention {
  const Value& q;
  const Value& out;  // shape of q
  const Heads& heads;
  std::size_t page_rows;
};

// Row by row, each over the pages as they stand: for sequences that add few rows.
void attend_rows(Run& run, const CachedAttention& attention,
                 std::span<const CachedRows* const> sequences);

// Blocks of rows at once, as matrix products with the keys and values of a head, packed first: for
// prompts. A row's sums are taken in another order than by attend_rows().
void attend_prompts(Run& run, const CachedAttention& attention,
                    std::span<const CachedRows* const> sequences);

}  // namespace lathe::ops
