// Products of 8-bit activations with packed weights.
//
// A block of a panel is taken apart into bytes and f32 scales (expand-inl.h), once for all rows of
// activations. The inner tile keeps the sums of kDotRows rows and 16 lanes: integers inside a
// block, f32 over blocks. An output is one chain along k, sum = fma(integer sum, scale of the
// weights * scale of the activations, sum), and one more link for a minimum, whatever the number of
// rows: a row alone has the bits that it has among others, and integer sums are exact, so all
// instruction sets with fused multiply-adds agree.
#include <algorithm>

#include "kernels/cpu/targets.h"

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
constexpr std::size_t kDotRows = kLaneVectors == 1 || kHasDot ? 8 : 6;
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

// sums += scales * (integers - zero * activations' sum), and the minima's part, for one vector of
// lanes from `lane` on.
template <class K, std::size_t R>
HWY_INLINE void add_block(const QuantisedRows& a, const ExpandedBlock& block, std::size_t lane,
                          LanesVec (&sums)[R]) {
  const LanesTag d;
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    IntVec dots[R];
    const std::size_t quad = part * K::kQuads;
    const std::uint8_t* values = block.values + quad * kQuadBytes + 4 * lane;
    dot_quads<R, K::kBits, K::kQuads>(
        [values](std::size_t j) HWY_ATTR { return hn::Load(ByteTag(), values + j * kQuadBytes); },
        a.values + 4 * quad, dots);
    const auto scales = hn::Load(d, block.scales[part] + lane);
    const auto minima = K::kMinimum ? hn::Load(d, block.minima[part] + lane) : scales;
    const PartSums<K> links = {a, kQuantisedGroup, part};
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r) sums[r] = links.add(r, dots[r], scales, minima, sums[r]);
  }
}

template <class K, std::size_t R>
void dot_tile(const DotTile& t, const ExpandedBlock* blocks) {
  const LanesTag d;
  for (std::size_t lane = 0; lane < kPackedLanes; lane += hn::Lanes(d)) {
    LanesVec sums[R];
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = t.load_c ? hn::LoadU(d, t.c + r * t.c_stride + lane) : hn::Zero(d);
    QuantisedRows a = t.a;
    for (std::size_t i = 0; i < t.blocks; ++i) {
      add_block<K, R>(a, blocks[i], lane, sums);
      a.next_block(kQuantisedGroup);
    }
    for (std::size_t r = 0; r < R; ++r) hn::StoreU(sums[r], d, t.c + r * t.c_stride + lane);
  }
}

// As many rows as a tile takes, or 4, 2 or 1 of what is left; -> how many.
template <class K>
std::size_t dot_some_rows(std::size_t rows, const DotTile& t, const ExpandedBlock* blocks) {
  if (rows >= kDotRows) return dot_tile<K, kDotRows>(t, blocks), kDotRows;
  if (rows >= 4) return dot_tile<K, 4>(t, blocks), 4;
  if (rows >= 2) return dot_tile<K, 2>(t, blocks), 2;
  return dot_tile<K, 1>(t, blocks), 1;
}

// What all tiles of a product share.
struct Panels {
  const DotBlock& block;
  const PackedPanels& weights;
  std::size_t all_blocks;  // along k
};

// All rows over one chunk of one panel. The last, partial panel goes through a tile beside C.
template <class K>
void multiply_chunk(const Panels& p, std::size_t panel, std::size_t first, std::size_t blocks) {
  ExpandedBlock expanded[kChunkBlocks];
  for (std::size_t i = 0; i < blocks; ++i)
    expand_block<K>(p.weights.panel(panel), first + i, expanded[i]);
  const std::size_t columns = std::min(kPackedLanes, p.block.columns - panel * kPackedLanes);
  const bool load_c = p.block.accumulate || first > 0;
  for (std::size_t row = 0; row < p.block.rows;) {
    // A tile does not leave its group of rows.
    const std::size_t rows = std::min(kQuantisedGroup - row % kQuantisedGroup, p.block.rows - row);
    float* c = p.block.c + row * p.block.c_stride + panel * kPackedLanes;
    DotTile t = {p.block.a.from(row, first), blocks, c, p.block.c_stride, load_c};
    if (columns == kPackedLanes) {
      row += dot_some_rows<K>(rows, t, expanded);
      continue;
    }
    HWY_ALIGN float edge[kPackedLanes] = {};
    if (load_c) std::copy_n(c, columns, edge);
    t.c = edge;
    row += dot_some_rows<K>(1, t, expanded);
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
  with_kind(weights.format,
            [&](auto kind) HWY_ATTR { multiply_panels<decltype(kind)>(block, weights); });
}

// The sum of 16 values: bytes that are greater by 128 are added eight at a time.
HWY_INLINE std::int32_t sum_of_half(const std::int8_t* values) {
  const hn::FixedTag<std::uint8_t, 16> d;
  const auto bytes = hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(values));
  const auto sums = hn::SumsOf8(hn::Xor(bytes, hn::Set(d, 128)));
  return static_cast<std::int32_t>(hn::GetLane(sums) + hn::ExtractLane(sums, 1)) - 16 * 128;
}

HWY_INLINE float greatest_magnitude(const float* x) {
  const LanesTag d;
  auto greatest = hn::Zero(d);
  for (std::size_t i = 0; i < kPackedBlock; i += hn::Lanes(d))
    greatest = hn::Max(greatest, hn::Abs(hn::LoadU(d, x + i)));
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

// Blocks that are rounded at once, so that their divisions are those of vectors.
constexpr std::size_t kRoundedBlocks = 16;

void quantise_blocks(const float* x, std::size_t blocks, const QuantisedRow& out) {
  const LanesTag d;
  HWY_ALIGN float magnitudes[kRoundedBlocks] = {}, scales[kRoundedBlocks], per_step[kRoundedBlocks];
  for (std::size_t b = 0; b < blocks; ++b) magnitudes[b] = greatest_magnitude(x + b * kPackedBlock);
  const auto steps = hn::Set(d, 127.0f);
  for (std::size_t b = 0; b < kRoundedBlocks; b += hn::Lanes(d)) {
    const auto m = hn::Load(d, magnitudes + b);
    hn::Store(hn::Div(m, steps), d, scales + b);
    hn::Store(hn::IfThenElseZero(hn::Gt(m, hn::Zero(d)), hn::Div(steps, m)), d, per_step + b);
  }
  const hn::Rebind<std::int8_t, LanesTag> d8;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::int8_t* values = out.values + b * out.group * kPackedBlock;
    const auto factor = hn::Set(d, per_step[b]);
    for (std::size_t i = 0; i < kPackedBlock; i += hn::Lanes(d)) {
      const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + b * kPackedBlock + i), factor));
      hn::StoreU(hn::DemoteTo(d8, rounded), d8, values + i);
    }
    const std::int32_t low = sum_of_half(values), high = sum_of_half(values + 16);
    const std::size_t at = b * out.group;
    out.scales[at] = scales[b];
    out.half_sums[2 * at] = low;
    out.half_sums[2 * at + out.group] = high;
    out.block_sums[at] = low + high;
  }
}

void quantise_row(const float* x, std::size_t k, const QuantisedRow& out) {
  const std::size_t all = k / kPackedBlock;
  for (std::size_t block = 0; block < all; block += kRoundedBlocks)
    quantise_blocks(x + block * kPackedBlock, std::min(kRoundedBlocks, all - block),
                    out.from(block));
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
