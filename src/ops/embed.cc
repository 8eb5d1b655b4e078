#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

const MatrixWeight& prompt_of(std::span<const SoftPromptSlice> prompts, std::size_t row) {
  for (const SoftPromptSlice& slice : prompts) {
    if (row >= slice.first && row < slice.last) return *slice.prompt;
  }
  LATHE_ASSERT(!"a virtual token has a soft prompt");
  return *prompts.front().prompt;
}

// The weight and the row in it that stand for token, and what it is multiplied by.
struct Source {
  const MatrixWeight* weight;
  std::size_t row;
  float scale;

  void copy_to(float* out) const {
    read_row(*weight, row, out);
    if (scale == 1) return;
    for (std::size_t i = 0; i < weight->columns; ++i) out[i] *= scale;
  }
};

// What the rows of a pass are taken from.
struct Sources {
  const MatrixWeight& table;
  std::span<const SoftPromptSlice> prompts;
  float scale;
};

Source source_of(const Sources& from, std::int32_t token, std::size_t row) {
  const MatrixWeight& table = from.table;
  Source source = {&table, static_cast<std::size_t>(token), from.scale};
  if (token < 0)
    source = {&prompt_of(from.prompts, row), static_cast<std::size_t>(-1 - token), 1.0f};
  LATHE_ASSERT(source.row < source.weight->rows && source.weight->columns == table.columns);
  return source;
}

}  // namespace

Value embed(Run& run, const MatrixWeight& table, std::span<const std::int32_t> tokens,
            std::span<const SoftPromptSlice> prompts, float scale) {
  LATHE_ASSERT(table.f32 != nullptr || table.is_packed());
  bool learns = table.learns();
  for (const SoftPromptSlice& slice : prompts) learns = learns || slice.prompt->learns();
  const std::size_t width = table.columns;
  const Value y = run.make(tokens.size(), width, learns);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    source_of({table, prompts, scale}, tokens[i], i).copy_to(y.row(i));
  }
  if (y.id >= 0) {
    const std::vector<SoftPromptSlice> kept(prompts.begin(), prompts.end());
    run.tape->record(y.id, [&run, &table, kept, scale, y, width,
                            tokens = std::vector(tokens.begin(), tokens.end())] {
      const float* dy = run.tape->gradient(y.id);
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Source source = source_of({table, kept, scale}, tokens[i], i);
        if (!source.weight->learns()) continue;
        run.table.add_scaled(dy + i * width, source.scale, width,
                             source.weight->gradient + source.row * width);
      }
    });
  }
  return y;
}

Value select_rows(Run& run, const Value& x, std::span<const std::int32_t> rows) {
  const Value y = run.make(rows.size(), x.columns, x.id >= 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    LATHE_ASSERT(rows[i] >= 0 && static_cast<std::size_t>(rows[i]) < x.rows);
    std::copy_n(x.row(static_cast<std::size_t>(rows[i])), x.columns, y.row(i));
  }
  if (y.id >= 0) {
    run.tape->record(y.id, [&run, x, y, rows = std::vector(rows.begin(), rows.end())] {
      const float* dy = run.tape->gradient(y.id);
      float* dx = run.tape->gradient(x.id);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        run.table.add_scaled(dy + i * x.columns, 1, x.columns,
                             dx + static_cast<std::size_t>(rows[i]) * x.columns);
      }
    });
  }
  return y;
}

}  // namespace lathe::ops
