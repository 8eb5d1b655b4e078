#include "ops/ops.h"

namespace lathe::ops {

Value gated(Run& run, const Value& gate, const Value* up, kernels::Activation act) {
  const Value other = up != nullptr ? *up : Value();
  LATHE_ASSERT(up == nullptr || (gate.rows == up->rows && gate.columns == up->columns));
  const Value y = run.make(gate.rows, gate.columns, gate.id >= 0 || other.id >= 0);
  const auto slice = [](const Value& v, std::size_t first) {
    return v.data != nullptr ? v.data + first * v.columns : nullptr;
  };
  run.for_rows(y.rows, 4 * y.columns, [&](std::size_t first, std::size_t last) {
    run.table.gated(act, slice(gate, first), slice(other, first), (last - first) * y.columns,
                    slice(y, first));
  });
  if (y.id < 0) return y;
  run.tape->record(y.id, [&run, act, gate, other, y, slice] {
    const float* dy = run.tape->gradient(y.id);
    // The kernel writes both; one that nobody asked for goes into memory of the pass.
    const auto target = [&run](const Value& v) {
      if (v.id < 0) return Tape::Target{run.arena.floats(v.size()), true};
      return run.tape->target(v.id);
    };
    const Tape::Target dgate = target(gate);
    const Tape::Target dup = other.data != nullptr ? target(other) : Tape::Target{nullptr, true};
    LATHE_ASSERT(dgate.fresh && dup.fresh);  // gate and up go nowhere else
    run.for_rows(y.rows, 4 * y.columns, [&](std::size_t first, std::size_t last) {
      const std::size_t at = first * y.columns;
      run.table.gated_backward(act, slice(gate, first), slice(other, first), dy + at,
                               (last - first) * y.columns, dgate.data + at,
                               dup.data != nullptr ? dup.data + at : nullptr);
    });
  });
  return y;
}

}  // namespace lathe::ops
