#include <algorithm>
#include <utility>
#include <vector>

#include "ops/attention_cached.h"

namespace lathe::ops {
namespace {

using kernels::AttendBlock;

// Rows of queries that share a block's keys and values once those are rounded: so many that
// rounding costs little, so few that all of it stays in L2.
constexpr std::size_t kQueriesOfBlock = 512;

struct PromptBlock {
  const CachedRows* sequence;
  std::size_t kv_head;
  std::size_t index;  // of the first of its new rows
  std::size_t rows;
};

// Head by head, whose keys then stay in the caches; the last positions see most: first, so that
// threads end together.
std::vector<PromptBlock> prompt_blocks(const CachedAttention& a,
                                       std::span<const CachedRows* const> sequences) {
  const std::size_t rows = std::max<std::size_t>(kQueriesOfBlock / a.group() / 32, 1) * 32;
  std::vector<PromptBlock> blocks;
  for (const CachedRows* s : sequences) {
    for (std::size_t head = 0; head < a.heads.kv_count; ++head) {
      for (std::size_t i = (s->count + rows - 1) / rows; i-- > 0;)
        blocks.push_back({s, head, i * rows, std::min(rows, s->count - i * rows)});
    }
  }
  return blocks;
}

void attend_prompt_block(Run& run, const CachedAttention& a, const PromptBlock& p) {
  thread_local kernels::Scratch<float> memory;
  const std::size_t head = p.kv_head * a.group(), row = p.sequence->first + p.index;
  AttendBlock block;
  block.type = a.type;
  block.head_dim = a.heads.dim;
  block.keys = a.keys(*p.sequence, p.kv_head);
  block.values = a.values(*p.sequence, p.kv_head);
  block.position = p.sequence->start + p.index;
  block.rows = p.rows;
  block.window = a.heads.window;
  block.queries = a.group();
  block.query = a.q.row(row) + head * a.heads.dim;
  block.stride = a.q.columns;
  block.out = a.out.row(row) + head * a.heads.dim;
  block.scale = a.heads.scale;
  block.softcap = a.heads.softcap;
  block.bias = a.heads.biases_of(head);
  block.bias_stride = a.heads.bias_stride;
  run.table.attend_tiles(block, memory.take(kernels::AttendScratch(block, nullptr).floats()));
}

}  // namespace

void attend_blocks(Run& run, const CachedAttention& attention,
                   std::span<const CachedRows* const> sequences) {
  const std::vector<PromptBlock> blocks = prompt_blocks(attention, sequences);
  run.parallel.run(blocks.size(),
                   [&](std::size_t i) { attend_prompt_block(run, attention, blocks[i]); });
}

}  // namespace lathe::ops
