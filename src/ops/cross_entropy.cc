#include <vector>

#include "ops/ops.h"

namespace lathe::ops {

double cross_entropy(Run& run, const Value& logits, std::span<const Target> targets) {
  LATHE_ASSERT(targets.size() == logits.rows);
  std::vector<double> losses(logits.rows);
  const bool learns = logits.id >= 0;
  run.for_rows(logits.rows, 4 * logits.columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const Target& t = targets[i];
      LATHE_ASSERT(t.token >= 0 && static_cast<std::size_t>(t.token) < logits.columns);
      const float loss =
          run.table.cross_entropy(logits.row(i), logits.columns, static_cast<std::size_t>(t.token),
                                  t.weight, learns ? logits.row(i) : nullptr);
      losses[i] = static_cast<double>(loss) * t.weight;
    }
  });
  if (learns) {
    run.tape->record(-1, [&run, logits] { run.tape->set_gradient(logits.id, logits.data); });
  }
  double sum = 0;  // in row order: the same for any number of threads
  for (const double loss : losses) sum += loss;
  return sum;
}

}  // namespace lathe::ops
