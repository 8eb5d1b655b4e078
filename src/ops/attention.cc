// Attention over whole sequences, as products of matrices for each sequence and head. The
// probabilities are not kept for the backward pass but computed again: a product over head_dim is
// cheaper than writing and reading length^2 floats.
#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

using kernels::Matrix;

struct Problem {
  Value q, k, v, out;
  Heads heads;
  std::vector<SequenceRows> sequences;
};

// One kv head of one sequence: where its matrices start. Strides are the values' columns.
struct Part {
  std::size_t first, rows, kv_head;
};

Part part_of(const Problem& p, std::size_t task) {
  const SequenceRows& s = p.sequences[task / p.heads.kv_count];
  return {s.first, s.last - s.first, task % p.heads.kv_count};
}

Matrix head_matrix(const float* data, std::size_t columns, std::size_t first, std::size_t head,
                   std::size_t dim) {
  return {data + first * columns + head * dim, columns, 1};
}

Matrix transposed(const Matrix& m) { return {m.data, m.col_stride, m.row_stride}; }

// Each task runs on one thread and keeps its own scratch between tasks and calls.
struct Scratch {
  std::vector<float> probabilities, gradients, slopes;
  kernels::PackBuffer pack;
  SerialParallel serial;
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

void multiply(Run& run, const Matrix& a, std::size_t rows, std::size_t k, const Matrix& b,
              std::size_t columns, float* c, std::size_t c_stride, bool accumulate) {
  Scratch& s = scratch();
  kernels::multiply_unpacked(run.table, {a, rows, k, columns, c, c_stride, accumulate}, b, s.pack,
                             s.serial);
}

// Q K^T of one head, with its keys' biases, into `out` of [rows, rows].
void raw_scores(Run& run, const Problem& p, const Part& part, std::size_t head,
                std::vector<float>& out) {
  const Heads& h = p.heads;
  out.resize(std::max(out.size(), part.rows * part.rows));
  multiply(run, head_matrix(p.q.data, p.q.columns, part.first, head, h.dim), part.rows, h.dim,
           transposed(head_matrix(p.k.data, p.k.columns, part.first, part.kv_head, h.dim)),
           part.rows, out.data(), part.rows, false);
  const float* biases = h.biases_of(head);
  for (std::size_t i = 0; biases != nullptr && i < part.rows; ++i)
    run.table.add_scaled(biases, 1, part.rows, out.data() + i * part.rows);
}

// probabilities[rows, rows] = softmax(scale * Q K^T), zero for what a position does not see.
float* probabilities(Run& run, const Problem& p, const Part& part, std::size_t head) {
  const Heads& h = p.heads;
  std::vector<float>& out = scratch().probabilities;
  raw_scores(run, p, part, head, out);
  for (std::size_t i = 0; i < part.rows; ++i) {
    float* row = out.data() + i * part.rows;
    const std::size_t seen = h.first_seen(i);
    const std::size_t end = h.end_seen(i, part.rows);
    if (h.softcap > 0) run.table.soft_cap(row + seen, h.scale, h.softcap, end - seen);
    run.table.softmax(row + seen, h.softcap > 0 ? 1.0f : h.scale, end - seen);
    std::fill(row, row + seen, 0.0f);
    std::fill(row + end, row + part.rows, 0.0f);
  }
  return out.data();
}

void forward_part(Run& run, const Problem& p, const Part& part) {
  const std::size_t group = p.heads.count / p.heads.kv_count;
  for (std::size_t head = part.kv_head * group; head < (part.kv_head + 1) * group; ++head) {
    const float* probability = probabilities(run, p, part, head);
    multiply(run, {probability, part.rows, 1}, part.rows, part.rows,
             head_matrix(p.v.data, p.v.columns, part.first, part.kv_head, p.heads.dim), p.heads.dim,
             p.out.data + part.first * p.out.columns + head * p.heads.dim, p.out.columns, false);
  }
}

// Of the output, and where those of the inputs go; null data: that input does not learn.
struct Gradients {
  const float* out;
  Tape::Target q, k, v;
};

// With a soft cap c the gradient of a score s is that of the capped one times 1 - tanh(s / c)^2.
void through_softcap(Run& run, const Problem& p, const Part& part, std::size_t head, float* ds) {
  const Heads& h = p.heads;
  std::vector<float>& capped = scratch().slopes;
  raw_scores(run, p, part, head, capped);
  const std::size_t count = part.rows * part.rows;
  run.table.soft_cap(capped.data(), h.scale, h.softcap, count);
  for (std::size_t i = 0; i < count; ++i) {
    const float tangent = capped[i] / h.softcap;
    ds[i] *= h.scale * (1 - tangent * tangent);
  }
}

// dS = scale * P * (dO V^T - rowsum(P * dO V^T)), in this thread's scratch.
float* score_gradients(Run& run, const Problem& p, const Gradients& g, const Part& part,
                       std::size_t head, const float* probability) {
  const std::size_t n = part.rows;
  const float scale = p.heads.softcap > 0 ? 1.0f : p.heads.scale;
  std::vector<float>& ds = scratch().gradients;
  ds.resize(std::max(ds.size(), n * n));
  const Matrix dout = head_matrix(g.out, p.out.columns, part.first, head, p.heads.dim);
  const Matrix v = head_matrix(p.v.data, p.v.columns, part.first, part.kv_head, p.heads.dim);
  multiply(run, dout, n, p.heads.dim, transposed(v), n, ds.data(), n, false);
  for (std::size_t i = 0; i < n; ++i) {
    float* row = ds.data() + i * n;
    const std::size_t seen = p.heads.first_seen(i);
    const std::size_t end = p.heads.end_seen(i, n);
    run.table.softmax_backward(probability + i * n + seen, scale, end - seen, row + seen);
    std::fill(row, row + seen, 0.0f);
    std::fill(row + end, row + n, 0.0f);
  }
  if (p.heads.softcap > 0) through_softcap(run, p, part, head, ds.data());
  return ds.data();
}

void backward_part(Run& run, const Problem& p, const Gradients& g, const Part& part) {
  const std::size_t dim = p.heads.dim;
  const std::size_t n = part.rows;
  const std::size_t group = p.heads.count / p.heads.kv_count;
  // target (+)= m * b for one head's rows; the first head of a group may write, the others add.
  const auto add = [&](const Tape::Target& target, const Value& value, std::size_t head, bool write,
                       const Matrix& m, const Matrix& b) {
    multiply(run, m, n, n, b, dim, target.data + part.first * value.columns + head * dim,
             value.columns, !(target.fresh && write));
  };
  for (std::size_t head = part.kv_head * group; head < (part.kv_head + 1) * group; ++head) {
    const bool first = head == part.kv_head * group;
    const float* probability = probabilities(run, p, part, head);
    if (g.v.data != nullptr) {
      add(g.v, p.v, part.kv_head, first, {probability, 1, n},
          head_matrix(g.out, p.out.columns, part.first, head, dim));
    }
    if (g.q.data == nullptr && g.k.data == nullptr) continue;
    const float* ds = score_gradients(run, p, g, part, head, probability);
    if (g.q.data != nullptr) {
      add(g.q, p.q, head, true, {ds, n, 1},
          head_matrix(p.k.data, p.k.columns, part.first, part.kv_head, dim));
    }
    if (g.k.data != nullptr) {
      add(g.k, p.k, part.kv_head, first, {ds, 1, n},
          head_matrix(p.q.data, p.q.columns, part.first, head, dim));
    }
  }
}

void check_shapes(const Value& q, const Value& k, const Value& v, const Heads& heads) {
  LATHE_ASSERT(heads.kv_count > 0 && heads.count % heads.kv_count == 0);
  LATHE_ASSERT(q.columns == heads.count * heads.dim);
  LATHE_ASSERT(k.columns == heads.kv_count * heads.dim && v.columns == k.columns);
  LATHE_ASSERT(k.rows == q.rows && v.rows == q.rows);
}

}  // namespace

Value attention(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                std::span<const SequenceRows> sequences) {
  check_shapes(q, k, v, heads);
  const Value out = run.make(q.rows, q.columns, q.id >= 0 || k.id >= 0 || v.id >= 0);
  const Problem problem = {q, k, v, out, heads, {sequences.begin(), sequences.end()}};
  const std::size_t tasks = sequences.size() * heads.kv_count;
  run.parallel.run(tasks,
                   [&](std::size_t task) { forward_part(run, problem, part_of(problem, task)); });
  if (out.id >= 0) {
    run.tape->record(out.id, [&run, problem, tasks] {
      const auto target = [&run](const Value& input) {
        return input.id >= 0 ? run.tape->target(input.id) : Tape::Target();
      };
      const Gradients gradients = {run.tape->gradient(problem.out.id), target(problem.q),
                                   target(problem.k), target(problem.v)};
      run.parallel.run(tasks, [&](std::size_t task) {
        backward_part(run, problem, gradients, part_of(problem, task));
      });
    });
  }
  return out;
}

}  // namespace lathe::ops
