#include <algorithm>
#include <vector>

#include "ops/products.h"

namespace lathe::ops {
namespace {

using kernels::Matrix;

// Rows of a product's input and of its gradients.
struct Rows {
  const float* x;
  const float* dy;
  std::size_t count;
};

// dx (+)= dy W and dW += dy^T x. dx.data may be null.
void linear_backward(Run& run, const Rows& rows, const MatrixWeight& w, const Tape::Target& dx) {
  if (dx.data != nullptr) {
    LATHE_ASSERT(w.f32 != nullptr);
    const Matrix dy = {rows.dy, w.rows, 1};
    kernels::multiply_unpacked(run.table,
                               {dy, rows.count, w.rows, w.columns, dx.data, w.columns, !dx.fresh},
                               {w.f32, w.columns, 1}, run.pack, run.parallel);
  }
  if (w.learns()) {
    const Matrix dy_transposed = {rows.dy, 1, w.rows};
    kernels::multiply_unpacked(
        run.table, {dy_transposed, w.rows, rows.count, w.columns, w.gradient, w.columns, true},
        {rows.x, w.columns, 1}, run.pack, run.parallel);
  }
}

void add_lora(Run& run, const Value& x, const LoraSlice& slice, const Value& y) {
  const LoraWeight& lora = *slice.lora;
  if (!lora.low_rank()) return;
  LATHE_ASSERT(lora.a.columns == x.columns && lora.b.rows == y.columns &&
               lora.a.rows == lora.b.columns);
  const std::size_t rows = slice.last - slice.first;
  // h = scale * a x: scaling the narrow side is cheaper than the wide one.
  const Value h = run.make(rows, lora.a.rows, x.id >= 0 || lora.a.learns());
  multiply_by_transpose(run, {x.row(slice.first), x.columns, 1}, rows, lora.a, h.data, false);
  for (std::size_t i = 0; i < h.size(); ++i) h.data[i] *= lora.scale;
  multiply_by_transpose(run, {h.data, h.columns, 1}, rows, lora.b, y.row(slice.first), true);
  if (y.id < 0) return;
  run.tape->record(h.id, [&run, x, slice, y, h, rows] {
    const LoraWeight& l = *slice.lora;
    const Tape::Target dh = h.id >= 0 ? run.tape->target(h.id) : Tape::Target();
    linear_backward(run, {h.data, run.tape->gradient(y.id) + slice.first * y.columns, rows}, l.b,
                    dh);
    if (dh.data == nullptr) return;
    for (std::size_t i = 0; i < h.size(); ++i) dh.data[i] *= l.scale;
    Tape::Target dx;
    if (x.id >= 0) dx.data = run.tape->gradient(x.id) + slice.first * x.columns;
    linear_backward(run, {x.row(slice.first), dh.data, rows}, l.a, dx);
  });
}

// Computes the slice's rows anew, with all that its adapter changes (LoraWeight).
void replace_rows(Run& run, const Value& x, const MatrixWeight& weight, const LoraSlice& slice,
                  const LinearTerms& terms, const Value& y) {
  LATHE_ASSERT(run.tape == nullptr);
  const LoraWeight& change = *slice.lora;
  const std::size_t rows = slice.last - slice.first;
  const Value in = {x.row(slice.first), rows, x.columns};
  Value scaled = in;
  if (change.in_factors != nullptr) {
    scaled = run.make(rows, x.columns, false);
    for (std::size_t i = 0; i < in.size(); ++i)
      scaled.data[i] = in.data[i] * change.in_factors[i % in.columns];
  }
  const Value product = run.make(rows, y.columns, false);
  multiply_by_transpose(run, {scaled.data, scaled.columns, 1}, rows,
                        change.weight != nullptr ? *change.weight : weight, product.data, false);
  add_lora(run, in, {0, rows, &change}, product);
  const VectorWeight* bias = change.bias != nullptr ? change.bias : terms.bias;
  for (std::size_t i = 0; i < rows; ++i) {
    float* out = y.row(slice.first + i);
    for (std::size_t j = 0; j < y.columns; ++j) {
      const float factor = change.out_factors != nullptr ? change.out_factors[j] : 1.0f;
      out[j] = factor * product.row(i)[j] + (bias != nullptr ? bias->data[j] : 0.0f);
      if (terms.residual != nullptr) out[j] += terms.residual->row(slice.first + i)[j];
    }
  }
}

// Products of drawn rows alone, in 8 bits, with nothing to add afterwards.
bool is_one_job(const Run& run, const Value& x, std::span<const LinearPart> parts) {
  return run.tape == nullptr && run.activations == Activations::by_row &&
         std::all_of(parts.begin(), parts.end(), [&](const LinearPart& part) {
           return part.weight.is_packed() && !kernels::has_floats(part.weight.packed.format.form) &&
                  part.terms.loras.empty() && (part.terms.drawn == x.rows || !run.takes_tiles());
         });
}

bool any_learns(std::span<const LoraSlice> loras) {
  return std::any_of(loras.begin(), loras.end(),
                     [](const LoraSlice& s) { return s.lora->learns(); });
}

}  // namespace

Value linear(Run& run, const Value& x, const MatrixWeight& weight, const LinearTerms& terms) {
  LATHE_ASSERT(weight.columns == x.columns && terms.drawn <= x.rows);
  const VectorWeight* bias = terms.bias;
  const Value* residual = terms.residual;
  const bool learns = x.id >= 0 || weight.learns() || any_learns(terms.loras) ||
                      (bias != nullptr && bias->learns()) ||
                      (residual != nullptr && residual->id >= 0);
  const Value y = run.make(x.rows, weight.rows, learns);
  const bool accumulate = start_with(run, terms, y);
  multiply_by_transpose(run, x, terms.drawn, weight, y, accumulate);
  if (y.id >= 0) {
    // Recorded before the updates' steps, so that it runs after them: it releases y's gradient.
    const int residual_id = residual != nullptr ? residual->id : -1;
    run.tape->record(y.id, [&run, x, &weight, bias, y, residual_id] {
      const float* dy = run.tape->gradient(y.id);
      const Tape::Target dx = x.id >= 0 ? run.tape->target(x.id) : Tape::Target();
      linear_backward(run, {x.data, dy, x.rows}, weight, dx);
      // Row by row, so that the sum does not depend on the number of threads.
      for (std::size_t i = 0; bias != nullptr && bias->learns() && i < y.rows; ++i)
        run.table.add_scaled(dy + i * y.columns, 1, y.columns, bias->gradient);
      if (residual_id < 0) return;
      if (!run.tape->has_gradient(residual_id)) return run.tape->hand_over(y.id, residual_id);
      run.table.add_scaled(dy, 1, y.size(), run.tape->gradient(residual_id));
    });
  }
  for (const LoraSlice& slice : terms.loras) {
    if (slice.lora->replaces()) {
      replace_rows(run, x, weight, slice, terms, y);
    } else {
      add_lora(run, x, slice, y);
    }
  }
  return y;
}

void linear_side_by_side(Run& run, const Value& x, std::span<const LinearPart> parts, Value* ys) {
  if (!is_one_job(run, x, parts)) {
    for (const LinearPart& part : parts) *ys++ = linear(run, x, part.weight, part.terms);
    return;
  }
  std::vector<kernels::PackedProduct> products;
  for (const LinearPart& part : parts) {
    LATHE_ASSERT(part.weight.columns == x.columns);
    const Value y = *ys++ = run.make(x.rows, part.weight.rows, false);
    const bool accumulate = start_with(run, part.terms, y);
    products.push_back(
        {{{}, x.rows, x.columns, y.columns, y.data, y.columns, accumulate}, part.weight.packed});
  }
  kernels::multiply(run.table, products, run.quantised(x), run.parallel);
}

}  // namespace lathe::ops
