#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/read_tuner.h"

namespace lathe::kernels {
namespace {

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Rows of A that one block takes: so many are laid out at once by the kernels (cpu/panels-inl.h).
constexpr std::size_t kBlockRows = 240;
// Blocks have a multiple of so many rows: those of a tile.
constexpr std::size_t kTileStep = 6;
// Fewer multiply-adds than this are not worth waking a thread.
constexpr std::size_t kSmall = 1 << 15;

struct Cut {
  std::size_t row_blocks;
  std::size_t rows;  // in a block
  std::size_t panel_groups;
  std::size_t panels;  // in a group
};

// Enough blocks for every thread, and few enough that a panel is read for many rows.
Cut cut(const Product& p, std::size_t panels, std::size_t threads) {
  Cut c = {};
  if (p.rows == 0 || panels == 0) return c;
  if (p.rows * p.columns * p.k <= kSmall || threads == 1) threads = 1;
  c.row_blocks = ceil_div(p.rows, kBlockRows);
  c.rows = ceil_div(ceil_div(p.rows, c.row_blocks), kTileStep) * kTileStep;
  c.row_blocks = ceil_div(p.rows, c.rows);
  const std::size_t wanted = threads == 1 ? 1 : 4 * threads;
  c.panel_groups = std::min(panels, ceil_div(wanted, c.row_blocks));
  c.panels = ceil_div(panels, c.panel_groups);
  c.panel_groups = ceil_div(panels, c.panels);
  return c;
}

// Products of one A in 8 bits, the panels of all their weights one after the other, cut into pieces
// of a multiple of kPanelStep of them: so many does the kernel read side by side. All rows pass the
// panels of a piece, as many as stay in the caches at a time; the kernels see to that.
struct PanelCut {
  std::size_t steps = 0;
  std::size_t pieces = 0;

  // The first panel of a piece, of all products' panels.
  std::size_t place(std::size_t piece) const { return piece * steps / pieces * kPanelStep; }

  static constexpr std::size_t kPanelStep = 4;
};

// A thread more costs about a microsecond, in which it does so many multiply-adds.
constexpr std::size_t kWorthAThread = 1 << 15;
// A piece is not made smaller than this for the sake of threads that end together: its first
// weights are waited for.
constexpr std::size_t kWorthAPiece = 1 << 18;
// Pieces of a thread, at most. With many rows each takes long, and the last ones are waited for.
constexpr std::size_t kMostPieces = 4, kMostPiecesOfManyRows = 12;
constexpr std::size_t kManyRows = 33;

std::size_t panels_of(const Product& p) { return ceil_div(p.columns, kPackedLanes); }

PanelCut cut_panels(std::span<const PackedProduct> products, std::size_t threads) {
  PanelCut c;
  std::size_t panels = 0, work = 0;
  for (const auto& [p, weights] : products) {
    LATHE_ASSERT(p.k == weights.k && p.rows == products.front().product.rows);
    panels += panels_of(p);
    work += p.rows * p.columns * p.k;
  }
  const std::size_t rows = products.empty() ? 0 : products.front().product.rows;
  if (rows == 0 || panels == 0) return c;
  threads = std::clamp<std::size_t>(work / kWorthAThread, 1, threads);
  c.steps = ceil_div(panels, PanelCut::kPanelStep);
  c.pieces = 1;
  if (threads == 1) return c;
  const std::size_t most = rows < kManyRows ? kMostPieces : kMostPiecesOfManyRows;
  const std::size_t each = std::clamp<std::size_t>(work / kWorthAPiece / threads, 1, most);
  c.pieces = std::min(c.steps, threads * each);
  return c;
}

ReadShape read_shape(std::span<const PackedProduct> products) {
  const auto& [first, weights] = products.front();
  ReadShape shape = {weights.format, first.rows, weights.k, 0};
  for (const PackedProduct& each : products) shape.columns += each.product.columns;
  return shape;
}

// Where B is packed by each block of rows for itself: blocks so high that packing is a small part,
// and no more of them than make it less work than writing all of B to memory and reading it again.
constexpr std::size_t kInPlaceBlocks = 3;
constexpr std::size_t kInPlaceLeastRows = 24;

bool pays_in_place(const Product& p) {
  return p.rows >= kInPlaceLeastRows && p.rows <= kInPlaceBlocks * kBlockRows;
}

// The longer side of C is cut for the threads: what all of them then lay out is the smaller
// operand.
Cut cut_in_place(const Product& p, std::size_t panels, std::size_t threads) {
  Cut c = {};
  if (panels == 0) return c;
  if (p.rows * p.columns * p.k <= kSmall) threads = 1;
  const bool cuts_columns = p.columns > p.rows && panels >= threads;
  const std::size_t across = cuts_columns ? 1 : threads;
  c.row_blocks = ceil_div(ceil_div(p.rows, kBlockRows), across) * across;
  c.rows = ceil_div(ceil_div(p.rows, c.row_blocks), kTileStep) * kTileStep;
  c.row_blocks = ceil_div(p.rows, c.rows);
  c.panels = cuts_columns ? ceil_div(panels, threads) : panels;
  c.panel_groups = ceil_div(panels, c.panels);
  return c;
}

// Up to so many rows products with packed floats read them from memory to registers; more pay for
// widening them in L1 first.
constexpr std::size_t kFewRows = 48;

// run(block, first_panel) multiplies one block; `panel`: columns in a panel.
template <class Run>
void multiply_blocks(std::size_t panel, const Product& p, const Cut& c, Parallel& parallel,
                     const Run& run) {
  const auto one = [&](std::size_t task) {
    const std::size_t row = task / c.panel_groups * c.rows;
    const std::size_t first_panel = task % c.panel_groups * c.panels;
    const std::size_t column = first_panel * panel;
    MultiplyBlock block;
    block.a = {p.a.data + row * p.a.row_stride, p.a.row_stride, p.a.col_stride};
    block.rows = std::min(c.rows, p.rows - row);
    block.k = p.k;
    block.columns = std::min(c.panels * panel, p.columns - column);
    block.c = p.c + row * p.c_stride + column;
    block.c_stride = p.c_stride;
    block.accumulate = p.accumulate;
    run(block, first_panel);
  };
  const std::size_t tasks = c.row_blocks * c.panel_groups;
  if (tasks <= 1) return tasks == 0 ? void() : one(0);
  parallel.run(tasks, one);
}

// Calls body(first row, first column, columns) for blocks of a span's rows and of whole pairs of
// panels: few enough columns that their sums stay in L2, and so many blocks that threads end
// together.
void for_tile_blocks(std::size_t rows, std::size_t columns, std::size_t most_columns,
                     Parallel& parallel,
                     FunctionRef<void(std::size_t, std::size_t, std::size_t)> body) {
  constexpr std::size_t kStep = 2 * kPackedLanes;
  const std::size_t steps = ceil_div(columns, kStep), wave = 2 * parallel.width();
  const std::size_t groups = ceil_div(ceil_div(steps, most_columns / kStep), wave) * wave;
  const std::size_t width = ceil_div(steps, groups) * kStep;
  const std::size_t tasks = ceil_div(columns, width);
  parallel.run(ceil_div(rows, kTiledSpan) * tasks, [&](std::size_t task) {
    const std::size_t column = task % tasks * width;
    body(task / tasks * kTiledSpan, column, std::min(width, columns - column));
  });
}

void multiply_pieces(const Table& table, std::span<const PackedProduct> products,
                     const QuantisedRows& a, const PanelCut& c, ReadAhead reading,
                     Parallel& parallel) {
  const auto kernel = a.group == 1 ? table.multiply_row : table.multiply_packed;
  const auto one = [&](std::size_t task) {
    std::size_t first = c.place(task), end = c.place(task + 1);
    for (const auto& [p, weights] : products) {
      const std::size_t panels = panels_of(p), last = std::min(end, panels);
      if (first < last) {
        const std::size_t column = first * kPackedLanes;
        kernel({a, p.rows, std::min(last * kPackedLanes, p.columns) - column, p.c + column,
                p.c_stride, p.accumulate, reading},
               weights.from_column(column));
      }
      first -= std::min(first, panels);
      end -= last;
    }
  };
  if (c.pieces == 1) return one(0);
  parallel.run(c.pieces, one);
}

PackBuffer& tile_scratch() {
  thread_local PackBuffer scratch;
  return scratch;
}

}  // namespace

std::size_t panel_floats(const Table& table, std::size_t k, std::size_t n) {
  return ceil_div(n, table.panel) * table.panel * k;
}

void pack(const Table& table, const Matrix& b, std::size_t k, std::size_t n, float* out,
          Parallel& parallel) {
  const std::size_t panels = ceil_div(n, table.panel);
  if (k * n <= kSmall || parallel.width() == 1) return table.pack_panels(b, k, n, 0, panels, out);
  parallel.run(panels,
               [&](std::size_t p) { table.pack_panels(b, k, n, p, 1, out + p * table.panel * k); });
}

void multiply(const Table& table, const Product& product, const float* panels, Parallel& parallel) {
  const Cut c = cut(product, ceil_div(product.columns, table.panel), parallel.width());
  multiply_blocks(table.panel, product, c, parallel,
                  [&](const MultiplyBlock& block, std::size_t first) {
                    table.multiply_f32(block, panels + first * table.panel * product.k);
                  });
}

void multiply(const Table& table, const Product& product, const PackedPanels& weights,
              Parallel& parallel) {
  LATHE_ASSERT(product.k == weights.k);
  if (has_floats(weights.format.form) && product.rows <= kFewRows) {
    const Cut c = cut(product, ceil_div(product.columns, kPackedLanes), parallel.width());
    const ReadShape shape = {weights.format, product.rows, product.k, product.columns};
    return read_tuner().run(shape, [&](ReadAhead reading) {
      multiply_blocks(kPackedLanes, product, c, parallel,
                      [&](MultiplyBlock block, std::size_t first) {
                        block.reading = reading;
                        table.multiply_floats(block, weights.from_column(first * kPackedLanes));
                      });
    });
  }
  const Cut c = cut(product, ceil_div(product.columns, table.panel), parallel.width());
  multiply_blocks(table.panel, product, c, parallel,
                  [&](const MultiplyBlock& block, std::size_t first) {
                    const std::size_t column = first * table.panel;
                    PackedPanels part = weights.from_column(column / kPackedLanes * kPackedLanes);
                    part.first_lane = column % kPackedLanes;
                    table.multiply_exact(block, part);
                  });
}

void multiply(const Table& table, const Product& product, const QuantisedRows& a,
              const PackedPanels& weights, Parallel& parallel) {
  const PackedProduct one = {product, weights};
  multiply(table, std::span(&one, 1), a, parallel);
}

void multiply(const Table& table, std::span<const PackedProduct> products, const QuantisedRows& a,
              Parallel& parallel) {
  LATHE_ASSERT(products.empty() || a.k == products.front().product.k);
  const PanelCut c = cut_panels(products, parallel.width());
  if (c.pieces == 0) return;
  const auto in_way = [&](ReadAhead reading) {
    multiply_pieces(table, products, a, c, reading, parallel);
  };
  if (products.front().product.rows > kQuantisedGroup) return in_way({});
  read_tuner().run(read_shape(products), in_way);
}

bool has_tiles(const Table& table) { return table.multiply_tiles != nullptr; }

void multiply(const Table& table, const Product& product, const TiledBuffer& a,
              const PackedPanels& weights, Parallel& parallel) {
  LATHE_ASSERT(product.k == weights.k && a.k() == weights.k);
  constexpr std::size_t kMostColumns = 256;
  const auto one = [&](std::size_t row, std::size_t column, std::size_t columns) {
    const TileBlock block = {a.span(row),      std::min(kTiledSpan, product.rows - row),
                             columns,          product.c + row * product.c_stride + column,
                             product.c_stride, product.accumulate};
    table.multiply_tiles(block, weights.from_column(column),
                         tile_scratch().take(block.scratch_floats()));
  };
  for_tile_blocks(product.rows, product.columns, kMostColumns, parallel, one);
}

void multiply_gated(const Table& table, const TiledBuffer& a, std::size_t rows,
                    const GatedWeights& weights, TiledBuffer& out, Parallel& parallel) {
  LATHE_ASSERT(weights.gate.k == a.k() && weights.up.k == a.k());
  constexpr std::size_t kMostColumns = 128;  // of each product
  out.resize(rows, weights.columns);
  const auto one = [&](std::size_t row, std::size_t column, std::size_t columns) {
    const GatedTileBlock block = {a.span(row), std::min(kTiledSpan, rows - row),
                                  row,         column,
                                  columns,     &out,
                                  table.gated, weights.activation};
    table.multiply_gated_tiles(block, weights.gate.from_column(column),
                               weights.up.from_column(column),
                               tile_scratch().take(block.scratch_floats()));
  };
  for_tile_blocks(rows, weights.columns, kMostColumns, parallel, one);
}

void multiply_unpacked(const Table& table, const Product& product, const Matrix& b,
                       PackBuffer& buffer, Parallel& parallel) {
  if (pays_in_place(product)) {
    const Cut cut = cut_in_place(product, ceil_div(product.columns, table.panel), parallel.width());
    return multiply_blocks(
        table.panel, product, cut, parallel, [&](const MultiplyBlock& block, std::size_t first) {
          table.multiply_in_place(
              block, {b.data + first * table.panel * b.col_stride, b.row_stride, b.col_stride});
        });
  }
  float* panels = buffer.take(panel_floats(table, product.k, product.columns));
  pack(table, b, product.k, product.columns, panels, parallel);
  multiply(table, product, panels, parallel);
}

}  // namespace lathe::kernels
