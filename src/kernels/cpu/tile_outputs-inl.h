// Where the sums of products on tiles go: to a matrix of f32, or through a gate to the bf16 tiles
// of the next product. A pair of panels gives, for 32 rows, four tiles of f32 one after the other:
// the first 16 rows of the left panel, of the right one, then the other rows.
//
// An output is written in eight parts, between the steps of the products that follow: the tile unit
// does not wait for memory. Included by sources for processors with AMX alone.
#if defined(LATHE_KERNELS_CPU_TILE_OUTPUTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_TILE_OUTPUTS_INL_H_
#undef LATHE_KERNELS_CPU_TILE_OUTPUTS_INL_H_
#else
#define LATHE_KERNELS_CPU_TILE_OUTPUTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/bf16-inl.h"
#include "kernels/table.h"

#if HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kPairFloats = 4 * kTileFloats;
constexpr std::size_t kOutputParts = 8;
constexpr std::size_t kPartRows = kTiledRowStep / kOutputParts;

// The floats of row r of a pair's 32 on the left; those on the right stand kTileFloats further.
HWY_INLINE const float* left_of_row(const float* tiles, std::size_t r) {
  return tiles + r / kTileRows * 2 * kTileFloats + r % kTileRows * kPackedLanes;
}

// C[rows, columns], the panels of a pair side by side.
class MatrixOutput {
 public:
  explicit MatrixOutput(const TileBlock& block) : block_(block) {}

  // Takes four tiles: of rows from `row` on.
  void begin(std::size_t row, std::size_t pair, const float* tiles) {
    const std::size_t column = pair * 2 * kPackedLanes;
    const std::size_t columns = std::min(2 * kPackedLanes, block_.columns - column);
    to_ = block_.c + row * block_.c_stride + column;
    tiles_ = tiles;
    rows_ = std::min(kTiledRowStep, block_.rows - row);
    left_ = mask(columns), right_ = mask(columns - std::min(columns, kPackedLanes));
    // A product of many rows does not stay in the caches until it is read: written past them, its
    // lines are not read first.
    past_caches_ = !block_.accumulate && columns == 2 * kPackedLanes &&
                   reinterpret_cast<std::uintptr_t>(to_) % 64 == 0 && block_.c_stride % 16 == 0;
  }
  // REQUIRES: part < kOutputParts.
  HWY_INLINE void put(std::size_t part) {
    const std::size_t end = std::min(rows_, (part + 1) * kPartRows);
    for (std::size_t r = part * kPartRows; r < end; ++r) {
      const float* from = left_of_row(tiles_, r);
      put_row(_mm512_load_ps(from), _mm512_load_ps(from + kTileFloats), to_ + r * block_.c_stride);
    }
  }
  // Nothing is left to write.
  void end() { rows_ = 0; }

 private:
  static __mmask16 mask(std::size_t columns) {
    return static_cast<__mmask16>((1u << std::min(columns, kPackedLanes)) - 1);
  }
  HWY_INLINE void put_row(__m512 a, __m512 b, float* to) const {
    if (past_caches_) {
      _mm512_stream_ps(to, a);
      _mm512_stream_ps(to + kPackedLanes, b);
      return;
    }
    if (block_.accumulate) {
      a = _mm512_add_ps(a, _mm512_maskz_loadu_ps(left_, to));
      b = _mm512_add_ps(b, _mm512_maskz_loadu_ps(right_, to + kPackedLanes));
    }
    _mm512_mask_storeu_ps(to, left_, a);
    _mm512_mask_storeu_ps(to + kPackedLanes, right_, b);
  }

  const TileBlock& block_;
  float* to_ = nullptr;
  const float* tiles_ = nullptr;
  std::size_t rows_ = 0;  // 0: nothing to write
  __mmask16 left_ = 0, right_ = 0;
  bool past_caches_ = false;
};

// act(left) * right in bf16: 16 columns of the next product's activations for a pair.
class GatedOutput {
 public:
  explicit GatedOutput(const GatedTileBlock& block) : block_(block) {}

  void begin(std::size_t row, std::size_t pair, const float* tiles) {
    row_ = row;
    column_ = block_.first_column + pair * kPackedLanes;
    tiles_ = tiles;
    rows_ = std::min(kTiledRowStep, block_.rows - row);
  }
  HWY_INLINE void put(std::size_t part) {
    const std::size_t first = part * kPartRows;
    if (first >= rows_) return;
    alignas(64) float values[kPartRows * kPackedLanes];
    const float* left = left_of_row(tiles_, first);
    block_.gated(block_.activation, left, left + kTileFloats, kPartRows * kPackedLanes, values);
    const std::size_t end = std::min(rows_, first + kPartRows);
    for (std::size_t r = first; r < end; ++r) {
      std::uint16_t* to =
          block_.out->values(block_.first_row + row_ + r, column_ / kTileValues * kTileValues);
      const auto values_of_row =
          hn::Load(hn::CappedTag<float, kPackedLanes>(), values + (r - first) * kPackedLanes);
      _mm256_store_si256(reinterpret_cast<__m256i*>(to + column_ % kTileValues),
                         bf16_of(values_of_row));
    }
  }
  void end() { rows_ = 0; }

 private:
  const GatedTileBlock& block_;
  std::size_t row_ = 0, column_ = 0, rows_ = 0;
  const float* tiles_ = nullptr;
};

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_AVX3_DL
#endif  // per-target include guard
