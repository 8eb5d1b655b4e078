// A gated MLP as one op, so that what stands between its products need not go through memory: the
// bits are those of op by op. Where the two first products are made on tiles, so is their gate, and
// only its bf16 is written (kernels/matmul.h, multiply_gated); elsewhere some rows at a time go
// through all products, and their gate takes the place of its input.
#include <algorithm>

#include "ops/products.h"

namespace lathe::ops {
namespace {

// What gate and up of some rows may take: it stays in the last cache.
constexpr std::size_t kInnerBytes = std::size_t{8} << 20;
// Fewer rows at a time would be bound by reading the weights.
constexpr std::size_t kLeastRows = 64;

// Rows of prompts with packed weights of one kind.
bool gates_on_tiles(const Run& run, const MlpWeights& w) {
  return run.takes_tiles() && w.gate.is_packed() && w.up.is_packed() && w.down.is_packed() &&
         w.gate.packed.format == w.up.packed.format;
}

struct GateAndUp {
  Value gate, up;
};

GateAndUp first_products(Run& run, const Value& x, const MlpWeights& w, std::size_t drawn) {
  const LinearPart parts[] = {{w.gate, {.drawn = drawn}}, {w.up, {.drawn = drawn}}};
  Value made[2];
  linear_side_by_side(run, x, parts, made);
  return {made[0], made[1]};
}

void gate_in_place(Run& run, const GateAndUp& v, kernels::Activation act) {
  run.for_rows(v.gate.rows, 4 * v.gate.columns, [&](std::size_t first, std::size_t last) {
    run.table.gated(act, v.gate.row(first), v.up.row(first), (last - first) * v.gate.columns,
                    v.gate.row(first));
  });
}

// A multiple of a group of rows, and of a span where there are tiles, whose weights are made for
// a span at a time.
std::size_t rows_at_once(const Run& run, const MlpWeights& w) {
  if (run.takes_tiles()) return kernels::kTiledSpan;
  const std::size_t rows = kInnerBytes / (2 * sizeof(float) * w.gate.rows);
  return std::max(kLeastRows, rows / kernels::kQuantisedGroup * kernels::kQuantisedGroup);
}

// y (+)= the MLP of x, the first `drawn` rows of which are of drawn tokens.
void multiply_in_slices(Run& run, const Value& x, const MlpWeights& w, std::size_t drawn,
                        const Value& y, bool accumulate) {
  const std::size_t step = rows_at_once(run, w);
  for (std::size_t first = 0; first < x.rows; first += step) {
    const std::size_t rows = std::min(step, x.rows - first);
    const std::size_t drawn_here = std::min(rows, drawn - std::min(drawn, first));
    const tensor::Arena::Mark mark = run.arena.mark();
    const GateAndUp inner = first_products(run, x.rows_of(first, rows), w, drawn_here);
    gate_in_place(run, inner, w.activation);
    multiply_by_transpose(run, inner.gate, drawn_here, w.down, y.rows_of(first, rows), accumulate);
    run.arena.release(mark);
  }
}

}  // namespace

Value mlp(Run& run, const Value& x, const MlpWeights& w, const LinearTerms& terms) {
  const std::size_t drawn = terms.drawn;
  if (run.tape != nullptr || !terms.loras.empty()) {
    const GateAndUp inner = first_products(run, x, w, drawn);
    return linear(run, gated(run, inner.gate, &inner.up, w.activation), w.down, terms);
  }
  const Value y = run.make(x.rows, w.down.rows, false);
  const bool accumulate = start_with(run, terms, y);
  const std::size_t sliced = gates_on_tiles(run, w) ? drawn : x.rows, others = x.rows - sliced;
  multiply_in_slices(run, x.rows_of(0, sliced), w, drawn, y.rows_of(0, sliced), accumulate);
  if (others == 0) return y;
  kernels::multiply_gated(run.table, run.tiled(x.rows_of(sliced, others)), others,
                          {w.gate.packed, w.up.packed, w.gate.rows, w.activation}, run.gated,
                          run.parallel);
  const kernels::Product product = {
      {}, others, w.down.columns, w.down.rows, y.row(sliced), w.down.rows, accumulate};
  kernels::multiply(run.table, product, run.gated, w.down.packed, run.parallel);
  return y;
}

}  // namespace lathe::ops
