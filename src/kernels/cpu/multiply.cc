// Matrix products over packed panels.
//
// The inner tile keeps kRows x kVectors accumulators in registers and makes one pass over k: at
// each step it loads kVectors vectors of B, broadcasts kRows values of A and does kRows * kVectors
// fused multiply-adds. With 32 registers that is 6 x 4 (24 accumulators, 10 loads for 24 FMAs),
// with 16 it is 6 x 2.
//
// Around it, from outside in: depths of k, for which the rows of A are laid out in L2; panels of B;
// chunks of k, whose part of a panel stays in L1; tiles of rows. Between the chunks of a depth the
// sums of a panel stay close together: rows of C that are a power of two apart would drive each
// other out of L1. Storing and loading an accumulator keeps one chain of FMAs for each output.
#include <cstring>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/floats-inl.h"
#include "kernels/cpu/panels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

using D = PanelTag;
using V = PanelVec;

// Memory that later tiles will need, to be asked for a few lines at a time: all at once, they would
// stand in the way of the tile's own.
struct Soon {
  const float* c;  // kRows rows of C; null: none
  std::size_t c_stride;
  const float* b;  // rows of a panel, one after the other
  std::size_t b_rows;

  HWY_INLINE void ask(std::size_t turn) const {
    if (c != nullptr && turn < kRows) ask_for_row(c + turn * c_stride);
    if (turn < b_rows) ask_for_row(b + turn * kPanel);
  }
};

struct Tile {
  const float* a;
  std::size_t a_row, a_col;
  std::size_t k;
  const float* from;  // sums so far; null: zeros
  std::size_t from_stride;
  float* to;
  std::size_t to_stride;
  Soon soon;
};

// Steps of k between two turns of asking; a chunk has turns for all rows of a tile.
constexpr std::size_t kAskSteps = 16;
static_assert(kChunk / kAskSteps >= kRows);

// b: [k][kPanel].
template <std::size_t R>
HWY_INLINE void multiply_tile(const Tile& t, const float* b) {
  const D d;
  V sum[R][kVectors];
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] =
          t.from != nullptr ? hn::LoadU(d, t.from + r * t.from_stride + v * kLanes) : hn::Zero(d);
    }
  }
  const float* a = t.a;
  for (std::size_t begin = 0; begin < t.k; begin += kAskSteps) {
    t.soon.ask(begin / kAskSteps);
    const std::size_t end = HWY_MIN(t.k, begin + kAskSteps);
    for (std::size_t i = begin; i < end; ++i, a += t.a_col, b += kPanel) {
      V values[kVectors];
      LATHE_UNROLL(4)
      for (std::size_t v = 0; v < kVectors; ++v) values[v] = hn::LoadU(d, b + v * kLanes);
      LATHE_UNROLL(8)
      for (std::size_t r = 0; r < R; ++r) {
        const V x = hn::Set(d, a[r * t.a_row]);
        LATHE_UNROLL(4)
        for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, values[v], sum[r][v]);
      }
    }
  }
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sum[r][v], d, t.to + r * t.to_stride + v * kLanes);
  }
}

HWY_INLINE void multiply_tile(std::size_t rows, const Tile& t, const float* b) {
  switch (rows) {
    case 6:
      return multiply_tile<6>(t, b);
    case 5:
      return multiply_tile<5>(t, b);
    case 4:
      return multiply_tile<4>(t, b);
    case 3:
      return multiply_tile<3>(t, b);
    case 2:
      return multiply_tile<2>(t, b);
    default:
      return multiply_tile<1>(t, b);
  }
}

// Some rows of C over one panel, and where their sums are between the chunks of a depth.
struct PanelOfC {
  float* c;  // the first of `columns` columns
  std::size_t c_stride, columns;
  float* sums;  // [rows][kPanel]
};

// Values of B, [size][kPanel], and those that will be asked for next, null where they are made
// then.
struct ChunkOfB {
  const float* data;
  const float* next;
};

struct Chunk {
  ChunkOfB b;
  std::size_t size;  // of k
  bool first, last;  // of a depth
  bool from_zero;    // the chain begins here
};

// Rows of C are asked for so many tiles before they are read or written.
constexpr std::size_t kTilesAhead = 4;

// All rows over one chunk. A partial panel is in `sums` before and after.
void multiply_chunk(const PanelOfC& panel, std::size_t rows, const ARows& a, const Chunk& chunk) {
  const bool whole = panel.columns == kPanel;
  const bool reads_c = whole && chunk.first && !chunk.from_zero;
  const bool writes_c = whole && chunk.last;
  const std::size_t tiles = (rows + kRows - 1) / kRows;
  const std::size_t asked =
      chunk.b.next != nullptr ? (kChunk + tiles - 1) / tiles : 0;  // by a tile
  for (std::size_t r = 0; r < rows; r += kRows) {
    float* sums = panel.sums + r * kPanel;
    float* c = panel.c + r * panel.c_stride;
    const bool asks_for_c = (reads_c || writes_c) && r + (kTilesAhead + 1) * kRows <= rows;
    const Soon soon = {asks_for_c ? c + kTilesAhead * kRows * panel.c_stride : nullptr,
                       panel.c_stride, chunk.b.next + r / kRows * asked * kPanel, asked};
    Tile tile = {
        a.data + r / kRows * a.tile, a.row, a.col, chunk.size, sums, kPanel, sums, kPanel, soon};
    if (reads_c) tile.from = c, tile.from_stride = panel.c_stride;
    if (chunk.from_zero) tile.from = nullptr;
    if (writes_c) tile.to = c, tile.to_stride = panel.c_stride;
    multiply_tile(HWY_MIN(kRows, rows - r), tile, chunk.b.data);
  }
}
// Between C and the sums of a partial panel.
void load_partial(const PanelOfC& panel, std::size_t rows) {
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(panel.sums + r * kPanel, panel.c + r * panel.c_stride,
                panel.columns * sizeof(float));
  }
}

void store_partial(const PanelOfC& panel, std::size_t rows) {
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(panel.c + r * panel.c_stride, panel.sums + r * kPanel,
                panel.columns * sizeof(float));
  }
}

// A block of at most kMostRows. chunk_at(panel, k0, size) gives a ChunkOfB, valid until the next
// call.
template <class ChunkAt>
HWY_INLINE void multiply_few_rows(const MultiplyBlock& block, const ChunkAt& chunk_at) {
  HWY_ALIGN float packed_a[kDepth * kMostRows];
  HWY_ALIGN float sums[kMostRows * kPanel];
  for (std::size_t k0 = 0; k0 < block.k; k0 += kDepth) {
    const std::size_t depth = HWY_MIN(kDepth, block.k - k0);
    const bool from_zero = k0 == 0 && !block.accumulate;
    ARows a[kDepth / kChunk];
    for (std::size_t i = 0; i < depth; i += kChunk) {
      a[i / kChunk] =
          chunk_of_rows(block, k0 + i, HWY_MIN(kChunk, depth - i), packed_a + i * kMostRows);
    }
    for (std::size_t first = 0; first < block.columns; first += kPanel) {
      const PanelOfC panel = {block.c + first, block.c_stride,
                              HWY_MIN(kPanel, block.columns - first), sums};
      if (panel.columns < kPanel && !from_zero) load_partial(panel, block.rows);
      for (std::size_t i = 0; i < depth; i += kChunk) {
        const std::size_t size = HWY_MIN(kChunk, depth - i);
        const Chunk chunk = {chunk_at(first / kPanel, k0 + i, size), size, i == 0,
                             i + kChunk >= depth, from_zero && i == 0};
        multiply_chunk(panel, block.rows, a[i / kChunk], chunk);
      }
      if (panel.columns < kPanel) store_partial(panel, block.rows);
    }
  }
}

template <class ChunkAt>
HWY_INLINE void multiply_panels(MultiplyBlock block, const ChunkAt& chunk_at) {
  for (std::size_t rows = block.rows; rows > 0; rows -= block.rows) {
    block.rows = HWY_MIN(rows, kMostRows);
    multiply_few_rows(block, chunk_at);
    block.a.data += block.rows * block.a.row_stride;
    block.c += block.rows * block.c_stride;
  }
}

void multiply_f32(const MultiplyBlock& block, const float* panels) {
  multiply_panels(block, [&](std::size_t panel, std::size_t k0, std::size_t size) HWY_ATTR {
    const float* data = panels + (panel * block.k + k0) * kPanel;
    return ChunkOfB{data, data + size * kPanel};
  });
}

void multiply_in_place(const MultiplyBlock& block, const Matrix& b) {
  HWY_ALIGN float values[kChunk * kPanel];
  multiply_panels(block, [&](std::size_t panel, std::size_t k0, std::size_t size) HWY_ATTR {
    const std::size_t first = panel * kPanel;
    const float* source = b.data + k0 * b.row_stride + first * b.col_stride;
    pack_columns({source, b.row_stride, b.col_stride}, size, HWY_MIN(kPanel, block.columns - first),
                 values);
    return ChunkOfB{values, nullptr};
  });
}

#if HWY_TARGET != HWY_SCALAR
// The f32 values of a block's rows from `first` on, as many as a panel takes: out[i * kPanel +
// lane] for i < 32.
void dequantise_block(PackedFormat format, const ExpandedBlock& block, std::size_t first,
                      float* out) {
  const LanesTag df;
  const hn::Rebind<std::int32_t, LanesTag> d32;
  const std::size_t lanes = hn::Lanes(df);
  const auto zero = hn::Set(d32, format.zero);
  for (std::size_t i = 0; i < kPackedBlock; ++i) {
    const std::size_t half = has_two_halves(format.form) ? i / 16 : 0;
    for (std::size_t j = 0; j < kPackedLanes && j < kPanel; j += lanes) {
      const std::size_t lane = first + j;
      const std::uint8_t* quads = block.values + i / 4 * kQuadBytes + lane * 4;
      const auto four = hn::Load(d32, reinterpret_cast<const std::int32_t*>(quads));
      const auto shifted = hn::ShiftRightSame(four, static_cast<int>(i % 4 * 8));
      const auto whole = hn::Sub(hn::And(shifted, hn::Set(d32, 255)), zero);
      auto value = hn::Mul(hn::Load(df, block.scales[half] + lane), hn::ConvertTo(df, whole));
      if (has_minimum(format.form)) value = hn::Add(value, hn::Load(df, block.minima[half] + lane));
      hn::StoreU(value, df, out + i * kPanel + j);
    }
  }
}

// The same of a block of floats.
template <class K>
void widen_block(const std::byte* block, std::size_t first, float* out) {
  const LanesTag d;
  for (std::size_t i = 0; i < kPackedBlock; i += 2) {
    for (std::size_t j = 0; j < kPackedLanes && j < kPanel; j += hn::Lanes(d)) {
      const Pair pair = K::pair_at(block, i, first + j);
      hn::StoreU(pair.even, d, out + i * kPanel + j);
      hn::StoreU(pair.odd, d, out + (i + 1) * kPanel + j);
    }
  }
}

// The same of block `index` of a packed panel of any format.
void f32_block(PackedFormat format, const std::byte* panel, std::size_t index, std::size_t first,
               float* out) {
  if (has_floats(format.form)) {
    return with_float_kind(format.form, [&](auto kind) HWY_ATTR {
      using K = decltype(kind);
      widen_block<K>(panel + K::block_at(index), first, out);
    });
  }
  ExpandedBlock expanded;
  with_kind(format,
            [&](auto kind) HWY_ATTR { expand_block<decltype(kind)>(panel, index, expanded); });
  dequantise_block(format, expanded, first, out);
}

// Blocks [first, first + count) along k of the packed panels under one f32 panel.
void dequantise_chunk(const PackedPanels& weights, const MultiplyBlock& block, std::size_t panel,
                      std::size_t first, std::size_t count, float* out) {
  for (std::size_t lane = 0; lane < kPanel; lane += kPackedLanes) {
    const std::size_t column = panel * kPanel + lane;
    if (column >= block.columns) break;
    const std::size_t row = weights.first_lane + column;
    const std::byte* packed = weights.panel(row / kPackedLanes);
    for (std::size_t i = 0; i < count; ++i) {
      f32_block(weights.format, packed, first + i, row % kPackedLanes,
                out + i * kPackedBlock * kPanel + lane);
    }
  }
}

void multiply_exact(const MultiplyBlock& block, const PackedPanels& weights) {
  HWY_ALIGN float values[kChunk * kPanel] = {};
  multiply_panels(block, [&](std::size_t panel, std::size_t k0, std::size_t size) HWY_ATTR {
    dequantise_chunk(weights, block, panel, k0 / kPackedBlock, size / kPackedBlock, values);
    return ChunkOfB{values, nullptr};
  });
}
#endif

void pack_panels(const Matrix& b, std::size_t k, std::size_t n, std::size_t first_panel,
                 std::size_t panels, float* out) {
  for (std::size_t p = 0; p < panels; ++p) {
    const std::size_t first = (first_panel + p) * kPanel;
    pack_columns({b.data + first * b.col_stride, b.row_stride, b.col_stride}, k,
                 HWY_MIN(kPanel, n - first), out + p * k * kPanel);
  }
}

}  // namespace

void fill_multiply(Table& table) {
  table.panel = kPanel;
  table.pack_panels = pack_panels;
  table.multiply_f32 = multiply_f32;
  table.multiply_in_place = multiply_in_place;
#if HWY_TARGET != HWY_SCALAR
  table.multiply_exact = multiply_exact;
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_multiply);
void fill_multiply(Table& table) { HWY_DYNAMIC_DISPATCH(fill_multiply)(table); }

}  // namespace lathe::kernels::cpu
#endif
