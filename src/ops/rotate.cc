#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

struct Rotation {
  RotatedHeads heads;
  std::vector<std::int32_t> positions;
  RotaryTable table;
};

void turn(Run& run, float* data, std::size_t columns, const Rotation& r, float sign) {
  const std::size_t half = r.heads.rotated / 2;
  run.for_rows(r.positions.size(), columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t angles = static_cast<std::size_t>(r.positions[i]) * half;
      for (std::size_t head = 0; head < columns; head += r.heads.dim) {
        run.table.rotate(data + i * columns + head, r.table.cosines + angles,
                         r.table.sines + angles, sign, r.heads.rotated);
      }
    }
  });
}

}  // namespace

void rotate(Run& run, const Value& x, const RotatedHeads& heads,
            std::span<const std::int32_t> positions, const RotaryTable& table) {
  LATHE_ASSERT(positions.size() == x.rows && x.columns % heads.dim == 0);
  for (const std::int32_t p : positions)
    LATHE_ASSERT(p >= 0 && static_cast<std::size_t>(p) < table.positions);
  const Rotation rotation = {heads, {positions.begin(), positions.end()}, table};
  turn(run, x.data, x.columns, rotation, 1);
  if (x.id >= 0) {
    run.tape->record(
        -1, [&run, x, rotation] { turn(run, run.tape->gradient(x.id), x.columns, rotation, -1); });
  }
}

}  // namespace lathe::ops
