// A gated MLP as one op, so that what stands between its products need not go through memory. Where
// the two first products are made on tiles, so is their gate, and only its bf16 is written
// (kernels/matmul.h, multiply_gated): the same bits as op by op.
#include "ops/products.h"

namespace lathe::ops {
namespace {

// Rows of prompts of a pass without a tape, with packed weights of one kind.
bool gates_on_tiles(const Run& run, const MlpWeights& w, const LinearTerms& terms) {
  return run.tape == nullptr && run.takes_tiles() && terms.loras.empty() && w.gate.is_packed() &&
         w.up.is_packed() && w.down.is_packed() && w.gate.packed.format == w.up.packed.format;
}

Value gated_products(Run& run, const Value& x, const MlpWeights& w, std::size_t drawn) {
  const LinearPart parts[] = {{w.gate, {.drawn = drawn}}, {w.up, {.drawn = drawn}}};
  Value made[2];
  linear_side_by_side(run, x, parts, made);
  return gated(run, made[0], &made[1], w.activation);
}

}  // namespace

Value mlp(Run& run, const Value& x, const MlpWeights& w, const LinearTerms& terms) {
  if (!gates_on_tiles(run, w, terms))
    return linear(run, gated_products(run, x, w, terms.drawn), w.down, terms);
  const Value y = run.make(x.rows, w.down.rows, false);
  const bool accumulate = start_with(run, terms, y);
  const std::size_t drawn = terms.drawn, others = x.rows - drawn;
  if (drawn > 0) {
    const Value inner = gated_products(run, x.rows_of(0, drawn), w, drawn);
    multiply_by_transpose(run, inner, drawn, w.down, y.rows_of(0, drawn), accumulate);
  }
  if (others == 0) return y;
  kernels::multiply_gated(run.table, run.tiled(x.rows_of(drawn, others)), others,
                          {w.gate.packed, w.up.packed, w.gate.rows, w.activation}, run.gated,
                          run.parallel);
  const kernels::Product product = {{},           others,      w.down.columns, w.down.rows,
                                    y.row(drawn), w.down.rows, accumulate};
  kernels::multiply(run.table, product, run.gated, w.down.packed, run.parallel);
  return y;
}

}  // namespace lathe::ops
