// Products of 8-bit activations with packed weights.
//
// A block of a panel is taken apart into bytes and f32 scales (expand-inl.h), once for all rows of
// activations. The inner tile keeps the sums of kTileRows rows and 16 lanes: integers inside a
// block, f32 over blocks. An output is one chain along k, sum = fma(integer sum, scale of the
// weights * scale of the activations, sum), and one more link for a minimum, whatever the number of
// rows: a row alone has the bits that it has among others, and integer sums are exact, so all
// instruction sets with fused multiply-adds agree.
#include <algorithm>
#include <bit>

#include "kernels/cpu/targets_dot.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_packed.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR
void fill_packed(Table&) {}
#else
namespace {

// Rows of a tile: as many as leave registers for the weights.
constexpr std::size_t kTileRows = kLaneVectors == 1 ? 8 : 6;
// Blocks that are taken apart at once: 8 x 768 bytes of L1.
constexpr std::size_t kChunkBlocks = kPackedSuperBlock / kPackedBlock;
// Up to so many rows, a panel is read from its start to its end: the rows' activations fit into L1
// whole, and the memory sees one stream.
constexpr std::size_t kFewRows = 16;

// Rows of activations from one row and one block on, and where their sums go.
struct DotTile {
  QuantisedRows a;  // of the tile's first row and block
  std::size_t blocks = 0;
  float* c = nullptr;  // [rows, 16]
  std::size_t c_stride = 0;
  bool load_c = false;
};

// What a format asks of the inner loop.
template <int kTheBits, bool kHalves, bool kHasMinimum>
struct Kind {
  static constexpr int kBits = kTheBits;
  static constexpr bool kMinimum = kHasMinimum;
  static constexpr std::size_t kParts = kHalves ? 2 : 1;  // of a block, with scales of their own
  static constexpr std::size_t kQuads = kBlockQuads / kParts;
};

// The activations' sum over one part of a block, in every lane.
template <class K>
HWY_INLINE IntVec sum_of_part(const QuantisedRows& a, std::size_t row, std::size_t block,
                              std::size_t part) {
  const std::int32_t* sum = K::kParts == 2 ? a.half_sums + row * (a.k / 16) + 2 * block + part
                                           : a.block_sums + row * (a.k / kPackedBlock) + block;
  return hn::Set(IntTag(), *sum);
}

// For one vector of lanes from `lane` on: sums += scales * (integers - zero * activations' sum),
// and the minima's part.
template <class K, std::size_t R>
HWY_INLINE void add_block(const DotTile& t, int zero_shift, const ExpandedBlock& block,
                          std::size_t index, std::size_t lane, LanesVec (&sums)[R]) {
  const LanesTag d;
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    IntVec dots[R];
    const std::size_t quad = part * K::kQuads;
    dot_quads<R, K::kBits, K::kQuads>(block.values + quad * kQuadBytes + 4 * lane,
                                      {t.a.values + index * kPackedBlock + 4 * quad, t.a.k}, dots);
    const auto scales = hn::Load(d, block.scales[part] + lane);
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r) {
      const auto a_scale = hn::Set(d, t.a.scales[r * (t.a.k / kPackedBlock) + index]);
      auto dot = dots[r];
      if (kTakenUnsigned<K::kBits> && zero_shift >= 0)
        dot = hn::Sub(dot, hn::ShiftLeftSame(sum_of_part<K>(t.a, r, index, part), zero_shift));
      sums[r] = hn::MulAdd(hn::ConvertTo(d, dot), hn::Mul(scales, a_scale), sums[r]);
      if (K::kMinimum) {
        const auto a_sum = hn::Mul(a_scale, hn::ConvertTo(d, sum_of_part<K>(t.a, r, index, part)));
        sums[r] = hn::MulAdd(hn::Load(d, block.minima[part] + lane), a_sum, sums[r]);
      }
    }
  }
}

// zero_shift: zero is 1 << it; below 0: zero is 0.
template <class K, std::size_t R>
void dot_tile(const DotTile& t, int zero_shift, const ExpandedBlock* blocks) {
  const LanesTag d;
  for (std::size_t lane = 0; lane < kPackedLanes; lane += hn::Lanes(d)) {
    LanesVec sums[R];
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = t.load_c ? hn::LoadU(d, t.c + r * t.c_stride + lane) : hn::Zero(d);
    for (std::size_t i = 0; i < t.blocks; ++i)
      add_block<K, R>(t, zero_shift, blocks[i], i, lane, sums);
    for (std::size_t r = 0; r < R; ++r) hn::StoreU(sums[r], d, t.c + r * t.c_stride + lane);
  }
}

// As many rows as a tile takes, or 4, 2 or 1 of what is left; -> how many.
template <class K>
std::size_t dot_some_rows(std::size_t rows, const DotTile& t, int zero_shift,
                          const ExpandedBlock* blocks) {
  if (rows >= kTileRows) return dot_tile<K, kTileRows>(t, zero_shift, blocks), kTileRows;
  if (rows >= 4) return dot_tile<K, 4>(t, zero_shift, blocks), 4;
  if (rows >= 2) return dot_tile<K, 2>(t, zero_shift, blocks), 2;
  return dot_tile<K, 1>(t, zero_shift, blocks), 1;
}

// What all tiles of a product share.
struct Panels {
  const DotBlock& block;
  const PackedPanels& weights;
  std::size_t all_blocks;  // along k
};

// The tile at a row and a block, of `blocks` blocks; c is set by the caller.
DotTile tile_at(const Panels& p, std::size_t row, std::size_t first, std::size_t blocks) {
  const QuantisedRows& a = p.block.a;
  const std::size_t at = row * p.all_blocks + first;
  DotTile t;
  t.a = {a.values + at * kPackedBlock, a.scales + at, a.half_sums + 2 * at, a.block_sums + at, a.k};
  t.blocks = blocks;
  t.load_c = p.block.accumulate || first > 0;
  return t;
}

int zero_shift_of(PackedFormat format) {
  return format.zero == 0 ? -1 : std::countr_zero(static_cast<unsigned>(format.zero));
}

// All rows over one chunk of one panel. The last, partial panel goes through a tile beside C.
template <class K>
void multiply_chunk(const Panels& p, std::size_t panel, std::size_t first, std::size_t blocks) {
  ExpandedBlock expanded[kChunkBlocks];
  const PackedFormat format = p.weights.format;
  const int zero_shift = zero_shift_of(format);
  for (std::size_t i = 0; i < blocks; ++i)
    expand_block<K::kBits>(format, p.weights.panel(panel), first + i, expanded[i]);
  const std::size_t columns = std::min(kPackedLanes, p.block.columns - panel * kPackedLanes);
  for (std::size_t row = 0; row < p.block.rows;) {
    DotTile t = tile_at(p, row, first, blocks);
    float* c = p.block.c + row * p.block.c_stride + panel * kPackedLanes;
    t.c = c;
    t.c_stride = p.block.c_stride;
    if (columns == kPackedLanes) {
      row += dot_some_rows<K>(p.block.rows - row, t, zero_shift, expanded);
      continue;
    }
    HWY_ALIGN float edge[kPackedLanes] = {};
    if (t.load_c) std::copy_n(c, columns, edge);
    t.c = edge;
    row += dot_some_rows<K>(1, t, zero_shift, expanded);
    std::copy_n(edge, columns, c);
  }
}

template <class K>
void multiply_panels(const DotBlock& block, const PackedPanels& weights) {
  const Panels p = {block, weights, weights.k / kPackedBlock};
  const std::size_t panels = (block.columns + kPackedLanes - 1) / kPackedLanes;
  const auto chunk = [&](std::size_t panel, std::size_t first) HWY_ATTR {
    multiply_chunk<K>(p, panel, first, std::min(kChunkBlocks, p.all_blocks - first));
  };
  if (block.rows <= kFewRows) {
    for (std::size_t panel = 0; panel < panels; ++panel) {
      for (std::size_t first = 0; first < p.all_blocks; first += kChunkBlocks) chunk(panel, first);
    }
    return;
  }
  for (std::size_t first = 0; first < p.all_blocks; first += kChunkBlocks) {
    for (std::size_t panel = 0; panel < panels; ++panel) chunk(panel, first);
  }
}

void multiply_packed(const DotBlock& block, const PackedPanels& weights) {
  with_bits(weights.format, [&](auto bits) HWY_ATTR {
    switch (weights.format.form) {
      case ScaleForm::block:
        return multiply_panels<Kind<bits(), false, false> >(block, weights);
      case ScaleForm::block_min:
      case ScaleForm::super_min:
        return multiply_panels<Kind<bits(), false, true> >(block, weights);
      case ScaleForm::super16:
        return multiply_panels<Kind<bits(), true, false> >(block, weights);
      case ScaleForm::super16_min:
        return multiply_panels<Kind<bits(), true, true> >(block, weights);
    }
  });
}

void quantise_row(const float* x, std::size_t k, const QuantisedRow& out) {
  const LanesTag d;
  const IntTag d32;
  const hn::Rebind<std::int8_t, LanesTag> d8;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t block = 0; block < k / kPackedBlock; ++block, x += kPackedBlock) {
    auto greatest = hn::Zero(d);
    for (std::size_t i = 0; i < kPackedBlock; i += lanes)
      greatest = hn::Max(greatest, hn::Abs(hn::LoadU(d, x + i)));
    const float magnitude = hn::GetLane(hn::MaxOfLanes(d, greatest));
    const float per_step = magnitude > 0 ? 127.0f / magnitude : 0;
    out.scales[block] = magnitude / 127.0f;
    out.block_sums[block] = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      auto sum = hn::Zero(d32);
      for (std::size_t i = 16 * half; i < 16 * (half + 1); i += lanes) {
        const auto steps = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, per_step)));
        hn::StoreU(hn::DemoteTo(d8, steps), d8, out.values + block * kPackedBlock + i);
        sum = hn::Add(sum, steps);
      }
      out.half_sums[2 * block + half] = hn::GetLane(hn::SumOfLanes(d32, sum));
      out.block_sums[block] += out.half_sums[2 * block + half];
    }
  }
}

}  // namespace

void fill_packed(Table& table) {
  table.quantise_row = quantise_row;
  table.multiply_packed = multiply_packed;
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_packed);
void fill_packed(Table& table) { HWY_DYNAMIC_DISPATCH(fill_packed)(table); }

}  // namespace lathe::kernels::cpu
#endif
