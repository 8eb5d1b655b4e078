#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

// Copies the new rows of k or v into their pages.
void append(const Value& x, const CachedRows& s, float* const* pages, std::size_t page_rows) {
  for (std::size_t i = 0; i < s.count; ++i) {
    const std::size_t t = s.start + i;
    std::copy_n(x.row(s.first + i), x.columns, pages[t / page_rows] + t % page_rows * x.columns);
  }
}

// The sequence and the row in it that a row of the batch belongs to.
struct Place {
  const CachedRows* sequence;
  std::size_t position;
};

std::vector<Place> places(std::span<const CachedRows> sequences, std::size_t rows) {
  std::vector<Place> out(rows, Place{nullptr, 0});
  for (const CachedRows& s : sequences) {
    for (std::size_t i = 0; i < s.count; ++i) out[s.first + i] = {&s, s.start + i};
  }
  return out;
}

}  // namespace

Value attention_cached(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                       std::span<const CachedRows> sequences, std::size_t page_rows) {
  LATHE_ASSERT(run.tape == nullptr && heads.causal);
  LATHE_ASSERT(q.columns == heads.count * heads.dim && k.columns == heads.kv_count * heads.dim);
  const Value out = run.make(q.rows, q.columns, false);
  for (const CachedRows& s : sequences) {
    append(k, s, s.key_pages, page_rows);
    append(v, s, s.value_pages, page_rows);
  }
  const std::vector<Place> where = places(sequences, q.rows);
  const std::size_t group = heads.count / heads.kv_count;
  run.parallel.run(q.rows * heads.kv_count, [&](std::size_t task) {
    thread_local std::vector<float> scores;
    const std::size_t row = task / heads.kv_count;
    const std::size_t kv_head = task % heads.kv_count;
    LATHE_ASSERT(where[row].sequence != nullptr);
    kernels::AttendOne args;
    args.first = heads.first_seen(where[row].position);
    args.length = where[row].position + 1;
    args.keys = {where[row].sequence->key_pages, page_rows, k.columns};
    args.values = {where[row].sequence->value_pages, page_rows, v.columns};
    args.head_offset = kv_head * heads.dim;
    args.head_dim = heads.dim;
    args.scale = heads.scale;
    args.softcap = heads.softcap;
    scores.resize(std::max(scores.size(), args.length));
    args.scores = scores.data();
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      args.query = q.row(row) + head * heads.dim;
      args.out = out.row(row) + head * heads.dim;
      args.key_bias = heads.biases_of(head);
      run.table.attend(args);
    }
  });
  return out;
}

}  // namespace lathe::ops
