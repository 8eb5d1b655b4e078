// Products of few rows in f32 with packed floats: what decoding does with weights that are not
// quantised.
//
// They are bound by reading the weights, so that these are widened in registers, several panels
// side by side, each as one stream that is asked for ahead of its use (as in multiply_row.cc). More
// rows than the registers hold sums for take a panel from L2 again. An output is one chain of fused
// multiply-adds along k: the bits of multiply_exact, whatever the number of rows.
#include <algorithm>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_floats.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/floats-inl.h"
#include "kernels/cpu/streams-inl.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR
void fill_floats(Table&) {}
#else
namespace {

constexpr std::size_t kVectorsOfLanes = kPackedLanes / hn::MaxLanes(LanesTag());
constexpr std::size_t kRegisters = HWY_TARGET <= HWY_AVX3 ? 32 : 16;
constexpr std::size_t kMostStreams = 4 / kVectorsOfLanes;
constexpr std::size_t kMostRows = 8;
constexpr std::size_t kLine = 64;

// Whether there are registers for the sums, for a value of each lane and for an activation (and one
// to spare).
constexpr bool fits(std::size_t rows, std::size_t streams) {
  return (rows + 1) * streams * kVectorsOfLanes + 2 <= kRegisters;
}
constexpr std::size_t most_rows() {
  std::size_t rows = kMostRows;
  while (!fits(rows, 1)) --rows;
  return rows;
}

// Rows of activations.
struct Rows {
  const float* first;
  std::size_t row_stride, col_stride;
};

// [row][panel][lane]
template <std::size_t R, std::size_t S>
using Sums = float[R][S][kPackedLanes];

// S panels of k values that stand `distance` bytes apart.
struct PanelBytes {
  const std::byte* first;
  std::size_t distance;
  std::size_t k;
  std::size_t ahead;
};

// sums += x * w, for the even or the odd values of a pair: x of each row, w of each panel.
template <class K, std::size_t R, std::size_t S, bool kOdd>
HWY_INLINE void add_values(const float* x, std::size_t row_stride, const std::byte* pairs,
                           std::size_t distance, LanesVec* sums) {
  const LanesTag d;
  LanesVec w[S * kVectorsOfLanes];
  LATHE_UNROLL(4)
  for (std::size_t s = 0; s < S; ++s) {
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kVectorsOfLanes; ++v) {
      const Pair pair = K::pair_at(pairs + s * distance, 0, v * hn::Lanes(d));
      w[s * kVectorsOfLanes + v] = kOdd ? pair.odd : pair.even;
    }
  }
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    const auto value = hn::Set(d, x[r * row_stride]);
    LATHE_UNROLL(4)
    for (std::size_t i = 0; i < S * kVectorsOfLanes; ++i) {
      LanesVec& sum = sums[r * S * kVectorsOfLanes + i];
      sum = hn::MulAdd(value, w[i], sum);
    }
  }
}

// sums += the products of R rows and S panels.
template <class K, std::size_t R, std::size_t S>
HWY_INLINE void add_products(const Rows& a, const PanelBytes& panels, Sums<R, S>& out) {
  constexpr std::size_t kCount = R * S * kVectorsOfLanes;
  constexpr std::size_t kPairBytes = K::kBlockBytes * 2 / kPackedBlock;
  const LanesTag d;
  LanesVec sums[kCount];
  LATHE_UNROLL(24)
  for (std::size_t i = 0; i < kCount; ++i) sums[i] = hn::Load(d, out[0][0] + i * hn::Lanes(d));
  const float* x = a.first;
  // A pair of neighbours along k is a stretch of its own, in blocks one after the other.
  const std::byte* pairs = panels.first;
  for (std::size_t i = 0; i < panels.k; i += 2, pairs += kPairBytes) {
    LATHE_UNROLL(4)
    for (std::size_t s = 0; s < S; ++s) {
      for (std::size_t line = 0; line < kPairBytes; line += kLine)
        hwy::Prefetch(pairs + s * panels.distance + panels.ahead + line);
    }
    add_values<K, R, S, false>(x, a.row_stride, pairs, panels.distance, sums);
    x += a.col_stride;
    add_values<K, R, S, true>(x, a.row_stride, pairs, panels.distance, sums);
    x += a.col_stride;
  }
  LATHE_UNROLL(24)
  for (std::size_t i = 0; i < kCount; ++i) hn::Store(sums[i], d, out[0][0] + i * hn::Lanes(d));
}

// Columns of C that S panels give, those of panel s from column[s] on.
template <std::size_t S>
struct Columns {
  std::size_t first[S];
  std::size_t count[S];
};

// R rows of C from `row` on.
template <class K, std::size_t R, std::size_t S>
void multiply_rows(const MultiplyBlock& block, std::size_t row, const PanelBytes& panels,
                   const Columns<S>& columns) {
  HWY_ALIGN Sums<R, S> sums = {};
  const auto c = [&](std::size_t s, std::size_t r) {
    return block.c + (row + r) * block.c_stride + columns.first[s];
  };
  for (std::size_t s = 0; block.accumulate && s < S; ++s) {
    for (std::size_t r = 0; r < R; ++r) std::copy_n(c(s, r), columns.count[s], sums[r][s]);
  }
  const Matrix& a = block.a;
  add_products<K, R, S>({a.data + row * a.row_stride, a.row_stride, a.col_stride}, panels, sums);
  for (std::size_t s = 0; s < S; ++s) {
    for (std::size_t r = 0; r < R; ++r) std::copy_n(sums[r][s], columns.count[s], c(s, r));
  }
}

// The same with the number of rows, at most R, known while it runs.
template <class K, std::size_t S, std::size_t R = most_rows()>
void multiply_some_rows(std::size_t rows, const MultiplyBlock& block, std::size_t row,
                        const PanelBytes& panels, const Columns<S>& columns) {
  if constexpr (R > 0) {
    if constexpr (fits(R, S)) {
      if (rows == R) return multiply_rows<K, R, S>(block, row, panels, columns);
    }
    multiply_some_rows<K, S, R - 1>(rows, block, row, panels, columns);
  }
}

// All rows, `rows` at a time, times the panels of some streams.
template <class K, std::size_t S>
void multiply_panels(const MultiplyBlock& block, const PackedPanels& weights, std::size_t rows,
                     const Streams& streams) {
  Columns<S> columns;
  for (std::size_t s = 0; s < S; ++s) {
    columns.first[s] = streams.panel(s) * kPackedLanes;
    columns.count[s] = std::min(kPackedLanes, block.columns - columns.first[s]);
  }
  const std::size_t bytes = packed_panel_bytes(weights.format, weights.k);
  const PanelBytes panels = {weights.panel(streams.first), streams.step * bytes, weights.k,
                             block.reading.bytes};
  for (std::size_t row = 0; row < block.rows; row += rows)
    multiply_some_rows<K, S>(std::min(rows, block.rows - row), block, row, panels, columns);
}

// As many streams as leave registers for the sums of `rows` rows.
template <class K, std::size_t S = kMostStreams>
void multiply_streams(const MultiplyBlock& block, const PackedPanels& weights, std::size_t rows) {
  if constexpr (S > 1) {
    if (!fits(rows, S)) return multiply_streams<K, S / 2>(block, weights, rows);
  }
  const std::size_t panels = (block.columns + kPackedLanes - 1) / kPackedLanes;
  for_asked_streams<S>(
      block.reading.streams, 0, panels, [&](const Streams& streams, auto side_by_side) HWY_ATTR {
        multiply_panels<K, decltype(side_by_side)::value>(block, weights, rows, streams);
      });
}

void multiply_floats(const MultiplyBlock& block, const PackedPanels& weights) {
  const std::size_t groups = (block.rows + most_rows() - 1) / most_rows();
  if (groups == 0) return;
  const std::size_t rows = (block.rows + groups - 1) / groups;
  with_float_kind(weights.format.form, [&](auto kind) HWY_ATTR {
    multiply_streams<decltype(kind)>(block, weights, rows);
  });
}

}  // namespace

void fill_floats(Table& table) { table.multiply_floats = multiply_floats; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_floats);
void fill_floats(Table& table) { HWY_DYNAMIC_DISPATCH(fill_floats)(table); }

}  // namespace lathe::kernels::cpu
#endif
