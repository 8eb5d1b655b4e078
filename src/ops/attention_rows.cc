#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/attention_cached.h"

namespace lathe::ops {
namespace {

using kernels::kKvPart;

// A new position of a sequence, and where what its parts give stands.
struct AttendedRow {
  const CachedRows* sequence;
  std::size_t index;       // of its new rows
  std::size_t first_part;  // of those that it sees
  std::size_t parts;
  std::size_t place;  // floats in front of its partial results

  std::size_t position() const { return sequence->start + index; }
};

// What one part gives a kv head: [group, dim] sums, their greatest scores, their sums of weights.
struct Partial {
  float* out;
  float* largest;
  float* sum;
};

std::size_t partial_floats(const CachedAttention& a) { return a.group() * (a.heads.dim + 2); }

Partial partial_of(const CachedAttention& a, const AttendedRow& row, std::size_t kv_head,
                   std::size_t part, float* memory) {
  float* out = memory + row.place + (kv_head * row.parts + part) * partial_floats(a);
  float* largest = out + a.group() * a.heads.dim;
  return {out, largest, largest + a.group()};
}

std::vector<AttendedRow> rows_to_attend(const CachedAttention& a,
                                        std::span<const CachedRows* const> sequences) {
  std::vector<AttendedRow> rows;
  std::size_t place = 0;
  for (const CachedRows* s : sequences) {
    for (std::size_t i = 0; i < s->count; ++i) {
      const std::size_t position = s->start + i;
      const std::size_t first_part = a.heads.first_seen(position) / kKvPart;
      const std::size_t parts = position / kKvPart + 1 - first_part;
      rows.push_back({s, i, first_part, parts, place});
      place += parts * a.heads.kv_count * partial_floats(a);
    }
  }
  return rows;
}

// Whether a second thread costs more than it helps: all takes a microsecond or two.
bool is_small(const CachedAttention& a, std::span<const AttendedRow> rows) {
  constexpr std::size_t kWorthAThread = 1 << 14;
  std::size_t positions = 0;
  for (const AttendedRow& row : rows)
    positions += row.position() + 1 - a.heads.first_seen(row.position());
  return positions * a.heads.count * a.heads.dim < kWorthAThread;
}

void attend_part(Run& run, const CachedAttention& a, const AttendedRow& row, std::size_t kv_head,
                 std::size_t part, float* memory) {
  thread_local kernels::Scratch<float> scores;
  const std::size_t head = kv_head * a.group(), position = row.position();
  const std::size_t start = (row.first_part + part) * kKvPart;
  const Partial partial = partial_of(a, row, kv_head, part, memory);
  kernels::AttendPart args;
  args.type = a.type;
  args.head_dim = a.heads.dim;
  args.keys = a.keys(*row.sequence, kv_head);
  args.values = a.values(*row.sequence, kv_head);
  args.first = std::max(start, a.heads.first_seen(position));
  args.end = std::min(start + kKvPart, position + 1);
  args.queries = a.group();
  args.query = a.q.row(row.sequence->first + row.index) + head * a.heads.dim;
  args.scale = a.heads.scale;
  args.softcap = a.heads.softcap;
  args.bias = a.heads.biases_of(head);
  args.bias_stride = a.heads.bias_stride;
  args.scores = scores.take(args.score_floats());
  args.out = partial.out;
  args.largest = partial.largest;
  args.sum = partial.sum;
  run.table.attend(args);
}

// The parts of a row and kv head in their order, each weighed by how far its greatest score is
// below the greatest of all (Milakov & Gimelshein 2018).
void join_parts(Run& run, const CachedAttention& a, const AttendedRow& row, std::size_t kv_head,
                float* memory) {
  float* out = a.out.row(row.sequence->first + row.index) + kv_head * a.group() * a.heads.dim;
  for (std::size_t query = 0; query < a.group(); ++query, out += a.heads.dim) {
    float largest = partial_of(a, row, kv_head, 0, memory).largest[query];
    for (std::size_t part = 1; part < row.parts; ++part)
      largest = std::max(largest, partial_of(a, row, kv_head, part, memory).largest[query]);
    float sum = 0;
    const auto factor = [&](const Partial& p) { return std::exp(p.largest[query] - largest); };
    for (std::size_t part = 0; part < row.parts; ++part) {
      const Partial p = partial_of(a, row, kv_head, part, memory);
      sum += factor(p) * p.sum[query];
    }
    std::fill_n(out, a.heads.dim, 0.0f);
    for (std::size_t part = 0; part < row.parts; ++part) {
      const Partial p = partial_of(a, row, kv_head, part, memory);
      run.table.add_scaled(p.out + query * a.heads.dim, factor(p) / sum, a.heads.dim, out);
    }
  }
}

}  // namespace

void attend_rows(Run& run, const CachedAttention& a, std::span<const CachedRows* const> sequences) {
  const std::vector<AttendedRow> rows = rows_to_attend(a, sequences);
  struct Task {
    const AttendedRow* row;
    std::size_t kv_head, part;
  };
  std::vector<Task> tasks;
  for (const AttendedRow& row : rows) {
    for (std::size_t kv_head = 0; kv_head < a.heads.kv_count; ++kv_head) {
      for (std::size_t part = 0; part < row.parts; ++part) tasks.push_back({&row, kv_head, part});
    }
  }
  float* memory = run.attention.take(tasks.size() * partial_floats(a));
  const auto attend = [&](std::size_t i) {
    attend_part(run, a, *tasks[i].row, tasks[i].kv_head, tasks[i].part, memory);
  };
  if (is_small(a, rows)) {
    for (std::size_t i = 0; i < tasks.size(); ++i) attend(i);
  } else {
    run.parallel.run(tasks.size(), attend);
  }
  run.for_rows(rows.size(), a.heads.count * a.heads.dim, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t kv_head = 0; kv_head < a.heads.kv_count; ++kv_head)
        join_parts(run, a, rows[i], kv_head, memory);
    }
  });
}

}  // namespace lathe::ops
