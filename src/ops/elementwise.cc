// Ops that pass over values once: sums, scales, caps, and columns taken out.
#include <algorithm>

#include "ops/ops.h"

namespace lathe::ops {

Value add(Run& run, const Value& a, const Value& b) {
  LATHE_ASSERT(a.rows == b.rows && a.columns == b.columns);
  const Value y = run.make(a.rows, a.columns, a.id >= 0 || b.id >= 0);
  run.for_rows(y.rows, y.columns, [&](std::size_t first, std::size_t last) {
    const std::size_t at = first * y.columns;
    std::copy_n(a.data + at, (last - first) * y.columns, y.data + at);
    run.table.add_scaled(b.data + at, 1, (last - first) * y.columns, y.data + at);
  });
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, a, b, y] {
      const float* dy = run.tape->gradient(y.id);
      for (const Value& input : {a, b}) {
        if (input.id >= 0) run.table.add_scaled(dy, 1, y.size(), run.tape->gradient(input.id));
      }
    });
  }
  return y;
}

Value scale(Run& run, const Value& x, float factor) {
  const Value y = run.make(x.rows, x.columns, x.id >= 0);
  for (std::size_t i = 0; i < y.size(); ++i) y.data[i] = factor * x.data[i];
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, x, y, factor] {
      run.table.add_scaled(run.tape->gradient(y.id), factor, y.size(), run.tape->gradient(x.id));
    });
  }
  return y;
}

Value soft_cap(Run& run, const Value& x, float cap) {
  const Value y = run.make(x.rows, x.columns, x.id >= 0);
  run.for_rows(y.rows, 4 * y.columns, [&](std::size_t first, std::size_t last) {
    const std::size_t at = first * y.columns;
    std::copy_n(x.data + at, (last - first) * y.columns, y.data + at);
    run.table.soft_cap(y.data + at, 1, cap, (last - first) * y.columns);
  });
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, x, y, cap] {
      const float* dy = run.tape->gradient(y.id);
      float* dx = run.tape->gradient(x.id);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const float tangent = y.data[i] / cap;
        dx[i] += dy[i] * (1 - tangent * tangent);
      }
    });
  }
  return y;
}

Value select_columns(Run& run, const Value& x, const ColumnGroups& groups) {
  LATHE_ASSERT(groups.count > 0 &&
               groups.first + (groups.count - 1) * groups.stride + groups.width <= x.columns);
  const Value y = run.make(x.rows, groups.count * groups.width, x.id >= 0);
  for (std::size_t i = 0; i < y.rows; ++i) {
    for (std::size_t group = 0; group < groups.count; ++group) {
      std::copy_n(x.row(i) + groups.first + group * groups.stride, groups.width,
                  y.row(i) + group * groups.width);
    }
  }
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, x, y, groups] {
      const float* dy = run.tape->gradient(y.id);
      float* dx = run.tape->gradient(x.id);
      for (std::size_t i = 0; i < y.rows; ++i) {
        for (std::size_t group = 0; group < groups.count; ++group) {
          run.table.add_scaled(dy + i * y.columns + group * groups.width, 1, groups.width,
                               dx + i * x.columns + groups.first + group * groups.stride);
        }
      }
    });
  }
  return y;
}

}  // namespace lathe::ops
