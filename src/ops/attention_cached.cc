#include <algorithm>
#include <vector>

#include "ops/attention_cached.h"

namespace lathe::ops {
namespace {

// Copies the new rows of k or v into their pages.
void append(const Value& x, const CachedRows& s, float* const* pages, std::size_t page_rows) {
  for (std::size_t i = 0; i < s.count; ++i) {
    const std::size_t t = s.start + i;
    std::copy_n(x.row(s.first + i), x.columns, pages[t / page_rows] + t % page_rows * x.columns);
  }
}

}  // namespace

void attend_rows(Run& run, const CachedAttention& attention,
                 std::span<const CachedRows* const> sequences) {
  const auto& [q, out, heads, page_rows] = attention;
  struct Row {
    const CachedRows* sequence;
    std::size_t index;
  };
  std::vector<Row> rows;
  for (const CachedRows* s : sequences) {
    for (std::size_t i = 0; i < s->count; ++i) rows.push_back({s, i});
  }
  const std::size_t group = heads.count / heads.kv_count, width = heads.kv_count * heads.dim;
  run.parallel.run(rows.size() * heads.kv_count, [&](std::size_t task) {
    thread_local std::vector<float> scores;
    const auto [s, index] = rows[task / heads.kv_count];
    const std::size_t kv_head = task % heads.kv_count;
    kernels::AttendOne args;
    args.first = heads.first_seen(s->start + index);
    args.length = s->start + index + 1;
    args.keys = {s->key_pages, page_rows, width};
    args.values = {s->value_pages, page_rows, width};
    args.head_offset = kv_head * heads.dim;
    args.head_dim = heads.dim;
    args.scale = heads.scale;
    args.softcap = heads.softcap;
    scores.resize(std::max(scores.size(), args.length));
    args.scores = scores.data();
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      args.query = q.row(s->first + index) + head * heads.dim;
      args.out = out.row(s->first + index) + head * heads.dim;
      args.key_bias = heads.biases_of(head);
      run.table.attend(args);
    }
  });
}

Value attention_cached(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                       std::span<const CachedRows> sequences, std::size_t page_rows) {
  LATHE_ASSERT(run.tape == nullptr && heads.causal);
  LATHE_ASSERT(q.columns == heads.count * heads.dim && k.columns == heads.kv_count * heads.dim);
  const Value out = run.make(q.rows, q.columns, false);
  std::vector<const CachedRows*> prompts, others;
  std::size_t rows = 0;
  for (const CachedRows& s : sequences) {
    append(k, s, s.key_pages, page_rows);
    append(v, s, s.value_pages, page_rows);
    const bool in_blocks = run.activations == Activations::by_row && !s.drawn;
    (in_blocks ? prompts : others).push_back(&s);
    rows += s.count;
  }
  LATHE_ASSERT(rows == q.rows);
  const CachedAttention attention = {q, out, heads, page_rows};
  if (!prompts.empty()) attend_prompts(run, attention, prompts);
  if (!others.empty()) attend_rows(run, attention, others);
  return out;
}

}  // namespace lathe::ops
