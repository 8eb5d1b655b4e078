// Products of 8-bit activations with packed weights by SMMLA: several rows on processors that have
// it (neon_i8mm.h; empty for others).
//
// SMMLA adds the products of two rows and two lanes, eight values along k of each: twice what USDOT
// does. For 4 rows and 16 lanes, 16 registers hold the integer sums of a block (or of its half);
// they become a link of each output's chain in f32, which stays in L1 for a chunk of blocks. The
// chain is that of multiply_packed.cc, so that a row has the same bits.
#ifdef LATHE_ARM_I8MM
#include <algorithm>

#include "kernels/cpu/targets_dot.h"

// After targets_dot.h.
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kChunkBlocks = kPackedSuperBlock / kPackedBlock;  // taken apart at once
constexpr std::size_t kTileRows = 4;
// Up to so many rows, a panel is read from its start to its end (multiply_packed.cc).
constexpr std::size_t kFewRows = 16;
constexpr std::size_t kEight = 8;  // values along k of a lane or row that an instruction takes
constexpr std::size_t kVectorBytes = 16;

// A block whose integers are less their zero, and so signed.
template <class K>
using SignedKind = Kind<K::kBits, 0, K::kForm>;

// A block in which the eight values of two neighbouring lanes stand side by side:
// values[eight][vector][pair of the vector][lane of the pair][8].
template <class K>
HWY_INLINE void expand_pairs(const std::byte* panel, std::size_t index, ExpandedBlock& out) {
  const BlockPlace place = place_of<K>(panel, index);
  expand_scales<K>(place, out);
  const auto zero = hn::Set(ByteTag(), static_cast<std::uint8_t>(K::kZero));
  const std::uint8_t* integers = integers_of<K>(place);
  for (std::size_t at = 0; at < kQuadBytes; at += kVectorBytes) {
    LATHE_UNROLL(4)
    for (std::size_t quad = 0; quad < kBlockQuads; quad += 2) {
      const auto four = hn::Sub(quad_of<K::kBits>(integers + at, quad), zero);
      const auto next = hn::Sub(quad_of<K::kBits>(integers + at, quad + 1), zero);
      const uint32x4_t a = vreinterpretq_u32_u8(four.raw), b = vreinterpretq_u32_u8(next.raw);
      std::uint8_t* pairs = out.values + quad * kQuadBytes + 2 * at;
      vst1q_u8(pairs, vreinterpretq_u8_u32(vzip1q_u32(a, b)));
      vst1q_u8(pairs + kVectorBytes, vreinterpretq_u8_u32(vzip2q_u32(a, b)));
    }
  }
}

// Two rows' eight values side by side, of the first and of the second eight of sixteen.
struct RowPairs {
  int8x16_t eights[2];

  // From the upper row's values on; those of the lower one stand a block behind.
  static HWY_INLINE RowPairs at(const std::int8_t* p) {
    const int64x2_t upper = vreinterpretq_s64_s8(vld1q_s8(p));
    const int64x2_t lower = vreinterpretq_s64_s8(vld1q_s8(p + kPackedBlock));
    return {{vreinterpretq_s8_s64(vzip1q_s64(upper, lower)),
             vreinterpretq_s8_s64(vzip2q_s64(upper, lower))}};
  }
};

// The sums of a part of a block for P pairs of rows and all pairs of lanes, two by two:
// row 0 lane 0, row 0 lane 1, row 1 lane 0, row 1 lane 1.
template <std::size_t P>
struct PairSums {
  static constexpr std::size_t kLanePairs = kPackedLanes / 2;
  int32x4_t sums[P][kLanePairs];

  HWY_INLINE void clear() {
    LATHE_UNROLL(2)
    for (std::size_t p = 0; p < P; ++p) {
      LATHE_UNROLL(8)
      for (std::size_t i = 0; i < kLanePairs; ++i) sums[p][i] = vdupq_n_s32(0);
    }
  }
  // Sixteen values along k from `first` on. a: the block's, of the first row.
  HWY_INLINE void add(const std::int8_t* a, const std::uint8_t* weights, std::size_t first) {
    RowPairs rows[P];
    LATHE_UNROLL(2)
    for (std::size_t p = 0; p < P; ++p) rows[p] = RowPairs::at(a + 2 * p * kPackedBlock + first);
    LATHE_UNROLL(2)
    for (std::size_t eight = 0; eight < 2; ++eight) {
      const std::uint8_t* lanes = weights + (first + kEight * eight) * kPackedLanes;
      LATHE_UNROLL(8)
      for (std::size_t i = 0; i < kLanePairs; ++i) {
        const int8x16_t pair = vreinterpretq_s8_u8(vld1q_u8(lanes + i * kVectorBytes));
        LATHE_UNROLL(2)
        for (std::size_t p = 0; p < P; ++p)
          sums[p][i] = vmmlaq_s32(sums[p][i], rows[p].eights[eight], pair);
      }
    }
  }
  // Of one row, for one vector of lanes.
  HWY_INLINE IntVec row(std::size_t r, std::size_t vector) const {
    const int64x2_t left = vreinterpretq_s64_s32(sums[r / 2][2 * vector]);
    const int64x2_t right = vreinterpretq_s64_s32(sums[r / 2][2 * vector + 1]);
    const int64x2_t both = r % 2 == 0 ? vzip1q_s64(left, right) : vzip2q_s64(left, right);
    return IntVec(vreinterpretq_s32_s64(both));
  }
};

// c += the products of one block with P pairs of rows; c: [2 P, 16].
template <class K, std::size_t P>
HWY_INLINE void add_block(const QuantisedRows& a, const ExpandedBlock& block, float* c) {
  const LanesTag d;
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    constexpr std::size_t kValues = kPackedBlock / K::kParts;
    PairSums<P> dots;
    dots.clear();
    LATHE_UNROLL(2)
    for (std::size_t i = 0; i < kValues; i += 2 * kEight)
      dots.add(a.values, block.values, part * kValues + i);
    const PartSums<SignedKind<K>> links = {a, kQuantisedGroup, part};
    LATHE_UNROLL(4)
    for (std::size_t v = 0; v < kLaneVectors; ++v) {
      const std::size_t lane = v * hn::Lanes(d);
      const auto scales = hn::Load(d, block.scales[part] + lane);
      const auto minima = K::kMinimum ? hn::Load(d, block.minima[part] + lane) : scales;
      LATHE_UNROLL(4)
      for (std::size_t r = 0; r < 2 * P; ++r) {
        float* sum = c + r * kPackedLanes + lane;
        hn::Store(links.add(r, dots.row(r, v), scales, minima, hn::Load(d, sum)), d, sum);
      }
    }
  }
}

template <class K, std::size_t P>
void add_chunk(QuantisedRows a, const ExpandedBlock* blocks, std::size_t count, float* c) {
  for (std::size_t i = 0; i < count; ++i) {
    add_block<K, P>(a, blocks[i], c);
    a.next_block(kQuantisedGroup);
  }
}

// Copies C[rows, columns] from one place to another.
void copy_c(const float* from, std::size_t from_stride, float* to, std::size_t to_stride,
            std::size_t rows, std::size_t columns) {
  for (std::size_t r = 0; r < rows; ++r)
    std::copy_n(from + r * from_stride, columns, to + r * to_stride);
}

// All rows over blocks [first, first + count) of one panel. Rows past the last one are those that
// fill up a group: they are multiplied and not stored.
template <class K>
void multiply_chunk(const DotBlock& block, const PackedPanels& weights, std::size_t column,
                    std::size_t first, std::size_t count) {
  ExpandedBlock expanded[kChunkBlocks];
  for (std::size_t i = 0; i < count; ++i)
    expand_pairs<K>(weights.panel(column / kPackedLanes), first + i, expanded[i]);
  const std::size_t columns = std::min(kPackedLanes, block.columns - column);
  for (std::size_t row = 0; row < block.rows; row += kTileRows) {
    const std::size_t rows = std::min(kTileRows, block.rows - row);
    float* c = block.c + row * block.c_stride + column;
    HWY_ALIGN float sums[kTileRows * kPackedLanes] = {};
    if (block.accumulate || first > 0) copy_c(c, block.c_stride, sums, kPackedLanes, rows, columns);
    const auto add = rows > 2 ? add_chunk<K, 2> : add_chunk<K, 1>;
    add(block.a.from(row, first), expanded, count, sums);
    copy_c(sums, kPackedLanes, c, block.c_stride, rows, columns);
  }
}

template <class K>
void multiply_panels(const DotBlock& block, const PackedPanels& weights) {
  const std::size_t blocks = weights.k / kPackedBlock;
  const auto chunk = [&](std::size_t column, std::size_t first) HWY_ATTR {
    multiply_chunk<K>(block, weights, column, first, std::min(kChunkBlocks, blocks - first));
  };
  if (block.rows <= kFewRows) {
    for (std::size_t column = 0; column < block.columns; column += kPackedLanes) {
      for (std::size_t first = 0; first < blocks; first += kChunkBlocks) chunk(column, first);
    }
    return;
  }
  for (std::size_t first = 0; first < blocks; first += kChunkBlocks) {
    for (std::size_t column = 0; column < block.columns; column += kPackedLanes)
      chunk(column, first);
  }
}

void multiply_packed(const DotBlock& block, const PackedPanels& weights) {
  with_kind(weights.format,
            [&](auto kind) HWY_ATTR { multiply_panels<decltype(kind)>(block, weights); });
}

}  // namespace
}  // namespace HWY_NAMESPACE

void fill_pairs_i8mm(Table& table) { table.multiply_packed = HWY_NAMESPACE::multiply_packed; }

}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();
#endif
