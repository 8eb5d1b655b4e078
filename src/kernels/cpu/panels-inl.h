// The register tile of f32 products, and how operands are laid out for it. Included once for each
// instruction set, as Highway does it.
//
// A tile is kRows rows of A by a panel of kPanel columns of B.
#if defined(LATHE_KERNELS_CPU_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_PANELS_INL_H_
#undef LATHE_KERNELS_CPU_PANELS_INL_H_
#else
#define LATHE_KERNELS_CPU_PANELS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "kernels/cpu/unroll.h"
#include "kernels/packed.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using PanelTag = hn::ScalableTag<float>;
using PanelVec = hn::Vec<PanelTag>;

constexpr std::size_t kRows = 6;
constexpr std::size_t kVectors = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 4 : 2;
constexpr std::size_t kLanes = hn::MaxLanes(PanelTag());
constexpr std::size_t kPanel = kVectors * kLanes;
constexpr std::size_t kChunk = 128;  // of k: with AVX-512 128 x 64 x 4 bytes = 32 KiB of L1
constexpr std::size_t kDepth = 3 * kChunk;
constexpr std::size_t kMostRows = 40 * kRows;  // with a depth 240 x 384 x 4 bytes = 360 KiB of L2
static_assert(kChunk % kPackedBlock == 0, "a chunk holds whole packed blocks");

constexpr std::size_t kLine = 16;  // floats

// Asks L2 for the lines of a row of a panel. (Highway asks L1, which has no room.)
HWY_INLINE void ask_for_row(const float* row) {
  LATHE_UNROLL(4)
  for (std::size_t i = 0; i < kPanel; i += kLine) __builtin_prefetch(row + i, 0, 2);
}

// The values of A that one chunk of k needs, as the tiles read them.
struct ARows {
  const float* data;
  std::size_t row, col, tile;  // strides: of a row in a tile, of k, of a tile
};

inline ARows rows_in_place(const MultiplyBlock& block, std::size_t k0) {
  const Matrix& a = block.a;
  return {a.data + k0 * a.col_stride, a.row_stride, a.col_stride, kRows * a.row_stride};
}

// A with its rows side by side in memory (a transposed matrix), as [tile][k][kRows]: a step along k
// would be a whole row of it away.
inline ARows pack_transposed_rows(const MultiplyBlock& block, std::size_t k0, std::size_t k,
                                  float* out) {
  constexpr std::size_t kRowsAhead = 4;
  const Matrix& a = block.a;
  for (std::size_t i = 0; i < k; ++i) {
    const float* source = a.data + (k0 + i) * a.col_stride;
    for (std::size_t r = 0; r < block.rows; r += kLine)
      __builtin_prefetch(source + kRowsAhead * a.col_stride + r);
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

// The rows of a tile close together: where they are a power of two apart, they would share a few
// lines of L1.
inline ARows pack_plain_rows(const MultiplyBlock& block, std::size_t k0, std::size_t k,
                             float* out) {
  for (std::size_t r = 0; r < block.rows; ++r) {
    const float* source = block.a.data + r * block.a.row_stride + k0;
    std::memcpy(out + r * k, source, k * sizeof(float));
  }
  return {out, k, 1, kRows * k};
}

// As the tiles read them fastest. `out` has kChunk * kMostRows floats.
inline ARows chunk_of_rows(const MultiplyBlock& block, std::size_t k0, std::size_t k, float* out) {
  if (block.rows <= kRows) return rows_in_place(block, k0);
  if (block.a.row_stride == 1) return pack_transposed_rows(block, k0, k, out);
  // The copy costs about half of a panel's products.
  constexpr std::size_t kLeastPanels = 16;
  if (block.a.col_stride == 1 && block.columns > kLeastPanels * kPanel)
    return pack_plain_rows(block, k0, k, out);
  return rows_in_place(block, k0);
}

// k rows of B with columns side by side.
inline void pack_plain_columns(const Matrix& b, std::size_t k, float* out) {
  const PanelTag d;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t v = 0; v < kPanel; v += kLanes) {
      hn::StoreU(hn::LoadU(d, b.data + i * b.row_stride + v), d, out + i * kPanel + v);
    }
  }
}

// k rows of fewer columns than a panel has, or far apart both ways; zeros after them.
inline void pack_some_columns(const Matrix& b, std::size_t k, std::size_t columns, float* out) {
  std::memset(out, 0, k * kPanel * sizeof(float));
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < k; ++i) {
      out[i * kPanel + j] = b.data[i * b.row_stride + j * b.col_stride];
    }
  }
}

#if HWY_TARGET != HWY_SCALAR
// Four values each of columns 0, 4, 8, …: block i of the vector has those of column 4 i.
template <class D>
HWY_INLINE hn::Vec<D> load_columns(D d, const float* source, std::size_t stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, source);
  } else {
    const hn::Half<D> half;
    const std::size_t columns = hn::MaxLanes(half);
    return hn::Combine(d, load_columns(half, source + columns * stride, stride),
                       load_columns(half, source, stride));
  }
}

// Four rows of kLanes columns that lie `stride` apart in memory, each with its values side by side.
HWY_INLINE void transpose_four(const float* source, std::size_t stride, float* out) {
  const PanelTag d;
  const hn::Repartition<double, PanelTag> pairs;
  const PanelVec a = load_columns(d, source, stride);
  const PanelVec b = load_columns(d, source + stride, stride);
  const PanelVec c = load_columns(d, source + 2 * stride, stride);
  const PanelVec e = load_columns(d, source + 3 * stride, stride);
  const auto ab = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
  const auto ab2 = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto ce = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto ce2 = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab, ce)), d, out);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab, ce)), d, out + kPanel);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab2, ce2)), d, out + 2 * kPanel);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, ce2)), d, out + 3 * kPanel);
}

// k rows of B with its columns' values side by side (a transposed matrix). In stretches of k so
// short that each line that is touched stays in L1 until its last value is taken.
inline void pack_transposed_columns(const Matrix& b, std::size_t k, float* out) {
  constexpr std::size_t kStretch = 16;
  const std::size_t whole = k / 4 * 4;
  for (std::size_t begin = 0; begin < whole; begin += kStretch) {
    for (std::size_t v = 0; v < kPanel; v += kLanes) {
      for (std::size_t i = begin; i < HWY_MIN(whole, begin + kStretch); i += 4) {
        transpose_four(b.data + v * b.col_stride + i, b.col_stride, out + i * kPanel + v);
      }
    }
  }
  pack_some_columns({b.data + whole, 1, b.col_stride}, k - whole, kPanel, out + whole * kPanel);
}
#endif

// k rows of a panel of B, [k][kPanel]; `columns`: of them, at most kPanel.
inline void pack_columns(const Matrix& b, std::size_t k, std::size_t columns, float* out) {
  if (columns == kPanel && b.col_stride == 1) return pack_plain_columns(b, k, out);
#if HWY_TARGET != HWY_SCALAR
  if (columns == kPanel && b.row_stride == 1) return pack_transposed_columns(b, k, out);
#endif
  pack_some_columns(b, k, columns, out);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard, per target
