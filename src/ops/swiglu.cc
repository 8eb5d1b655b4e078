#include "ops/ops.h"

namespace lathe::ops {

Value swiglu(Run& run, const Value& gate, const Value& up) {
  LATHE_ASSERT(gate.rows == up.rows && gate.columns == up.columns);
  const Value y = run.make(gate.rows, gate.columns, gate.id >= 0 || up.id >= 0);
  const auto slice = [](const Value& v, std::size_t first) { return v.data + first * v.columns; };
  run.for_rows(y.rows, 4 * y.columns, [&](std::size_t first, std::size_t last) {
    run.table.swiglu(slice(gate, first), slice(up, first), (last - first) * y.columns,
                     slice(y, first));
  });
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, gate, up, y, slice] {
      const float* dy = run.tape->gradient(y.id);
      // The kernel writes both; one that nobody asked for goes into memory of the pass.
      const auto target = [&run](const Value& v) {
        if (v.id < 0) return Tape::Target{run.arena.floats(v.size()), true};
        return run.tape->target(v.id);
      };
      const Tape::Target dgate = target(gate);
      const Tape::Target dup = target(up);
      LATHE_ASSERT(dgate.fresh && dup.fresh);  // gate and up go nowhere else
      run.for_rows(y.rows, 4 * y.columns, [&](std::size_t first, std::size_t last) {
        const std::size_t at = first * y.columns;
        run.table.swiglu_backward(slice(gate, first), slice(up, first), dy + at,
                                  (last - first) * y.columns, dgate.data + at, dup.data + at);
      });
    });
  }
  return y;
}

}  // namespace lathe::ops
