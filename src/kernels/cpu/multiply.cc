// Matrix products over packed panels.
//
// The inner tile keeps kRows x kVectors accumulators in registers and makes one pass over k: at
// each step it loads kVectors vectors of B, broadcasts kRows values of A and does kRows * kVectors
// fused multiply-adds. With 32 registers that is 6 x 4 (24 accumulators, 10 loads for 24 FMAs),
// with 16 it is 6 x 2. k is cut into chunks so that a panel's chunk stays in L1 while every row
// tile passes over it; an accumulator is stored and loaded again between chunks, which keeps one
// chain of FMAs for each output.
#include <cstring>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr std::size_t kRows = 6;
constexpr std::size_t kVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
constexpr std::size_t kLanes = hn::MaxLanes(D());
constexpr std::size_t kPanel = kVectors * kLanes;
constexpr std::size_t kChunk = 128;  // of k: 128 x 64 x 4 bytes = 32 KiB of L1
static_assert(kChunk % kPackedBlock == 0, "a chunk holds whole packed blocks");

struct Tile {
  const float* a;
  std::size_t a_row, a_col;
  std::size_t k;
  float* c;
  std::size_t c_stride;
  bool load_c;
};

// b_at(i, v): vector v of row i of the panel.
template <std::size_t R, class BAt>
HWY_INLINE void multiply_tile(const Tile& t, const BAt& b_at) {
  const D d;
  V sum[R][kVectors];
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] = t.load_c ? hn::LoadU(d, t.c + r * t.c_stride + v * kLanes) : hn::Zero(d);
    }
  }
  const float* a = t.a;
  for (std::size_t i = 0; i < t.k; ++i, a += t.a_col) {
    V b[kVectors];
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) b[v] = b_at(i, v);
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r) {
      const V x = hn::Set(d, a[r * t.a_row]);
      LATHE_UNROLL(4)
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, b[v], sum[r][v]);
    }
  }
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sum[r][v], d, t.c + r * t.c_stride + v * kLanes);
  }
}

template <class BAt>
HWY_INLINE void multiply_tile(std::size_t rows, const Tile& t, const BAt& b_at) {
  switch (rows) {
    case 6:
      return multiply_tile<6>(t, b_at);
    case 5:
      return multiply_tile<5>(t, b_at);
    case 4:
      return multiply_tile<4>(t, b_at);
    case 3:
      return multiply_tile<3>(t, b_at);
    case 2:
      return multiply_tile<2>(t, b_at);
    default:
      return multiply_tile<1>(t, b_at);
  }
}

// The values of A that one chunk of k needs, as the tiles read them.
struct ARows {
  const float* data;
  std::size_t row, col, tile;  // strides: of a row in a tile, of k, of a tile
};

ARows rows_in_place(const MultiplyBlock& block, std::size_t k0) {
  const Matrix& a = block.a;
  return {a.data + k0 * a.col_stride, a.row_stride, a.col_stride, kRows * a.row_stride};
}

// All rows of the block over one panel's chunk of k.
template <class BAt>
HWY_INLINE void multiply_rows(const MultiplyBlock& block, const ARows& a, std::size_t panel,
                              std::size_t k0, std::size_t k, const BAt& b_at) {
  const std::size_t first = panel * kPanel;
  const std::size_t columns = HWY_MIN(kPanel, block.columns - first);
  const bool load_c = block.accumulate || k0 > 0;
  for (std::size_t r = 0; r < block.rows; r += kRows) {
    const std::size_t rows = HWY_MIN(kRows, block.rows - r);
    float* c = block.c + r * block.c_stride + first;
    Tile tile = {a.data + r / kRows * a.tile, a.row, a.col, k, c, block.c_stride, load_c};
    if (columns == kPanel) {
      multiply_tile(rows, tile, b_at);
      continue;
    }
    // The last, partial panel goes through a whole tile beside C.
    HWY_ALIGN float edge[kRows * kPanel] = {};
    for (std::size_t i = 0; load_c && i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) edge[i * kPanel + j] = c[i * block.c_stride + j];
    }
    tile.c = edge;
    tile.c_stride = kPanel;
    multiply_tile(rows, tile, b_at);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) c[i * block.c_stride + j] = edge[i * kPanel + j];
    }
  }
}

void multiply_f32(const MultiplyBlock& block, const float* panels) {
  const D d;
  const std::size_t count = (block.columns + kPanel - 1) / kPanel;
  for (std::size_t k0 = 0; k0 < block.k; k0 += kChunk) {
    const std::size_t k = HWY_MIN(kChunk, block.k - k0);
    const ARows a = rows_in_place(block, k0);
    for (std::size_t panel = 0; panel < count; ++panel) {
      const float* b = panels + (panel * block.k + k0) * kPanel;
      multiply_rows(block, a, panel, k0, k, [d, b](std::size_t i, std::size_t v) HWY_ATTR {
        return hn::LoadU(d, b + i * kPanel + v * kLanes);
      });
    }
  }
}

// Rows that are packed at once: 128 x 360 x 4 bytes = 180 KiB of L2.
constexpr std::size_t kPackedRows = 60 * kRows;

// A with its rows side by side in memory (a transposed matrix): a step along k is a whole row of
// it away, and steps of a power of two fall on the same few lines of L1. So a chunk is laid out
// as the tiles read it, [tile][k][kRows].
ARows pack_rows(const MultiplyBlock& block, std::size_t k0, std::size_t k, float* out) {
  const Matrix& a = block.a;
  for (std::size_t i = 0; i < k; ++i) {
    const float* source = a.data + (k0 + i) * a.col_stride;
    for (std::size_t r = 0; r < block.rows; r += kRows) {
      float* tile = out + r * k + i * kRows;
      const std::size_t rows = HWY_MIN(kRows, block.rows - r);
      if (rows == kRows) {
        std::memcpy(tile, source + r, kRows * sizeof(float));
      } else {
        std::memcpy(tile, source + r, rows * sizeof(float));
      }
    }
  }
  return {out, 1, kRows, kRows * k};
}

// One chunk of a panel of B; a partial panel is filled with zeros.
void pack_chunk(const float* source, std::size_t row_stride, std::size_t k, std::size_t columns,
                float* out) {
  const D d;
  for (std::size_t i = 0; i < k; ++i, source += row_stride, out += kPanel) {
    if (columns == kPanel) {
      for (std::size_t v = 0; v < kPanel; v += kLanes) {
        hn::Store(hn::LoadU(d, source + v), d, out + v);
      }
      continue;
    }
    for (std::size_t j = 0; j < kPanel; ++j) out[j] = j < columns ? source[j] : 0;
  }
}

void multiply_in_place(const MultiplyBlock& block, const Matrix& b) {
  const D d;
  const bool pack_a = block.a.row_stride == 1 && block.rows > kRows && block.rows <= kPackedRows;
  const std::size_t count = (block.columns + kPanel - 1) / kPanel;
  HWY_ALIGN float packed_a[kChunk * kPackedRows];
  HWY_ALIGN float chunk[kChunk * kPanel];
  for (std::size_t k0 = 0; k0 < block.k; k0 += kChunk) {
    const std::size_t k = HWY_MIN(kChunk, block.k - k0);
    const ARows a = pack_a ? pack_rows(block, k0, k, packed_a) : rows_in_place(block, k0);
    for (std::size_t panel = 0; panel < count; ++panel) {
      const std::size_t columns = HWY_MIN(kPanel, block.columns - panel * kPanel);
      pack_chunk(b.data + k0 * b.row_stride + panel * kPanel, b.row_stride, k, columns, chunk);
      const float* values = chunk;
      multiply_rows(block, a, panel, k0, k, [d, values](std::size_t i, std::size_t v) HWY_ATTR {
        return hn::Load(d, values + i * kPanel + v * kLanes);
      });
    }
  }
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

// Blocks [first, first + count) along k of the packed panels under one f32 panel.
void dequantise_chunk(const PackedPanels& weights, const MultiplyBlock& block, std::size_t panel,
                      std::size_t first, std::size_t count, float* out) {
  for (std::size_t lane = 0; lane < kPanel; lane += kPackedLanes) {
    const std::size_t column = panel * kPanel + lane;
    if (column >= block.columns) break;
    const std::size_t row = weights.first_lane + column;
    const std::byte* packed = weights.panel(row / kPackedLanes);
    for (std::size_t i = 0; i < count; ++i) {
      ExpandedBlock expanded;
      with_kind(weights.format, [&](auto kind) HWY_ATTR {
        expand_block<decltype(kind)>(packed, first + i, expanded);
      });
      dequantise_block(weights.format, expanded, row % kPackedLanes,
                       out + i * kPackedBlock * kPanel + lane);
    }
  }
}

void multiply_exact(const MultiplyBlock& block, const PackedPanels& weights) {
  const D d;
  const std::size_t count = (block.columns + kPanel - 1) / kPanel;
  HWY_ALIGN float chunk[kChunk * kPanel] = {};
  for (std::size_t k0 = 0; k0 < block.k; k0 += kChunk) {
    const std::size_t k = HWY_MIN(kChunk, block.k - k0);
    const ARows a = rows_in_place(block, k0);
    for (std::size_t panel = 0; panel < count; ++panel) {
      dequantise_chunk(weights, block, panel, k0 / kPackedBlock, k / kPackedBlock, chunk);
      const float* b = chunk;
      multiply_rows(block, a, panel, k0, k, [d, b](std::size_t i, std::size_t v) HWY_ATTR {
        return hn::Load(d, b + i * kPanel + v * kLanes);
      });
    }
  }
}
#endif

// A whole panel whose columns are not beside each other in memory: gathers, in stretches of k short
// enough that every line they touch stays in L1 until its last value is taken.
void gather_panel(const float* source, std::size_t row_stride, std::size_t col_stride,
                  std::size_t k, float* out) {
  const D d;
  const hn::RebindToSigned<D> di;
  constexpr std::size_t kStretch = 16;
  const auto lanes = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(col_stride)));
  for (std::size_t i0 = 0; i0 < k; i0 += kStretch) {
    const std::size_t i1 = HWY_MIN(k, i0 + kStretch);
    for (std::size_t v = 0; v < kVectors; ++v) {
      const float* columns = source + v * kLanes * col_stride;
      for (std::size_t i = i0; i < i1; ++i) {
        hn::StoreU(hn::GatherIndex(d, columns + i * row_stride, lanes), d,
                   out + i * kPanel + v * kLanes);
      }
    }
  }
}

void pack_panel(const Matrix& b, std::size_t k, std::size_t n, std::size_t panel, float* out) {
  const std::size_t first = panel * kPanel;
  const std::size_t columns = HWY_MIN(kPanel, n - first);
  const float* source = b.data + first * b.col_stride;
  if (columns < kPanel) {
    for (std::size_t i = 0; i < k * kPanel; ++i) out[i] = 0;
  }
  if (columns == kPanel && b.col_stride == 1) {
    const D d;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t v = 0; v < kPanel; v += kLanes) {
        hn::StoreU(hn::LoadU(d, source + i * b.row_stride + v), d, out + i * kPanel + v);
      }
    }
    return;
  }
  if (columns == kPanel && b.col_stride < (std::size_t{1} << 24)) {
    return gather_panel(source, b.row_stride, b.col_stride, k, out);
  }
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < k; ++i) {
      out[i * kPanel + j] = source[i * b.row_stride + j * b.col_stride];
    }
  }
}

void pack_panels(const Matrix& b, std::size_t k, std::size_t n, std::size_t first_panel,
                 std::size_t panels, float* out) {
  for (std::size_t p = 0; p < panels; ++p)
    pack_panel(b, k, n, first_panel + p, out + p * k * kPanel);
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
