// Products of 8-bit activations with packed weights on the tiles of AMX: batches of decodes.
//
// One product of tiles gives the exact sums of a block (or of its halves) for 16 rows and 16 lanes;
// they leave the tile, for each block has scales of its own, and become a link of each output's
// chain in f32. The chain is that of multiply_packed.cc, so that a row has the same bits.
#include <algorithm>

#include "kernels/cpu/targets_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_tiles8.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/tile_instructions.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_AVX3_DL
void fill_tiles8(Table&) {}
#else
namespace {

constexpr std::size_t kChunkBlocks = kSuperBlocks;  // that are taken apart at once
constexpr std::size_t kAhead = 1024;                // bytes; a panel is asked for so long before

// A block whose integers are less their zero, and so signed.
template <class K>
using SignedKind = Kind<K::kBits, 0, K::kForm>;

template <class K>
HWY_INLINE void expand_signed(const std::byte* panel, std::size_t index, ExpandedBlock& out) {
  const BytesTag d;
  const std::byte* block = panel + K::block_at(index);
  for (std::size_t at = 0; at < K::kBlockBytes; at += 64) hwy::Prefetch(block + kAhead + at);
  expand_block<K>(panel, index, out);
  if (K::kZero == 0) return;
  const auto zero = hn::Set(d, static_cast<std::uint8_t>(K::kZero));
  LATHE_UNROLL(8)
  for (std::size_t quad = 0; quad < kBlockQuads; ++quad) {
    std::uint8_t* values = out.values + quad * kQuadBytes;
    hn::Store(hn::Sub(hn::Load(d, values), zero), d, values);
  }
}

// sums[r] += the products of one block with R rows.
template <class K, std::size_t R>
HWY_INLINE void add_block(const QuantisedRows& a, const ExpandedBlock& block, LanesVec (&sums)[R]) {
  const LanesTag d;
  alignas(64) std::int32_t dots[K::kParts][R][kPackedLanes];
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    constexpr std::size_t kValues = kPackedBlock / K::kParts;
    tile_zero<0>();
    tile_load<1>(a.values + part * kValues, kPackedBlock);
    tile_load<2>(block.values + part * K::kQuads * kQuadBytes, kTileRowBytes);
    tile_add_int8<0, 1, 2>();
    tile_store<0>(dots[part], kTileRowBytes);
  }
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    const auto scales = hn::Load(d, block.scales[part]);
    const auto minima = K::kMinimum ? hn::Load(d, block.minima[part]) : scales;
    const PartSums<SignedKind<K> > links = {a, kQuantisedGroup, part};
    LATHE_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = links.add(r, hn::Load(IntTag(), dots[part][r]), scales, minima, sums[r]);
  }
}

// Rows of one group over one chunk of one panel; c: [R, 16], the rows kPackedLanes apart.
template <class K, std::size_t R>
void add_chunk(QuantisedRows a, const ExpandedBlock* blocks, std::size_t count, float* c) {
  const LanesTag d;
  LanesVec sums[R];
  LATHE_UNROLL(16)
  for (std::size_t r = 0; r < R; ++r) sums[r] = hn::Load(d, c + r * kPackedLanes);
  for (std::size_t i = 0; i < count; ++i) {
    add_block<K, R>(a, blocks[i], sums);
    a.next_block(kQuantisedGroup);
  }
  LATHE_UNROLL(16)
  for (std::size_t r = 0; r < R; ++r) hn::Store(sums[r], d, c + r * kPackedLanes);
}

template <class K>
TileConfig tiles_of(std::size_t rows) {
  TileConfig config;
  config.set(0, rows, kTileRowBytes);
  config.set(1, rows, kPackedBlock / K::kParts);
  config.set(2, K::kQuads, kTileRowBytes);
  return config;
}

// Copies C[rows, columns] from one place to another.
void copy_c(const float* from, std::size_t from_stride, float* to, std::size_t to_stride,
            std::size_t rows, std::size_t columns) {
  for (std::size_t r = 0; r < rows; ++r)
    std::copy_n(from + r * from_stride, columns, to + r * to_stride);
}

// Up to R rows of one group, from `row` on, over all panels.
template <class K, std::size_t R>
void multiply_group(const DotBlock& block, const PackedPanels& weights, std::size_t row) {
  const TileSession session(tiles_of<K>(R));
  const std::size_t rows = std::min(R, block.rows - row), blocks = weights.k / kPackedBlock;
  for (std::size_t column = 0; column < block.columns; column += kPackedLanes) {
    const std::byte* panel = weights.panel(column / kPackedLanes);
    const std::size_t columns = std::min(kPackedLanes, block.columns - column);
    float* c = block.c + row * block.c_stride + column;
    alignas(64) float sums[R * kPackedLanes] = {};
    if (block.accumulate) copy_c(c, block.c_stride, sums, kPackedLanes, rows, columns);
    for (std::size_t first = 0; first < blocks; first += kChunkBlocks) {
      const std::size_t count = std::min(kChunkBlocks, blocks - first);
      ExpandedBlock expanded[kChunkBlocks];
      for (std::size_t i = 0; i < count; ++i) expand_signed<K>(panel, first + i, expanded[i]);
      add_chunk<K, R>(block.a.from(row, first), expanded, count, sums);
    }
    copy_c(sums, kPackedLanes, c, block.c_stride, rows, columns);
  }
}

template <class K>
void multiply_groups(const DotBlock& block, const PackedPanels& weights) {
  for (std::size_t row = 0; row < block.rows; row += kQuantisedGroup) {
    const std::size_t rows = block.rows - row;
    if (rows > 8) {
      multiply_group<K, 16>(block, weights, row);
    } else if (rows > 4) {
      multiply_group<K, 8>(block, weights, row);
    } else {
      multiply_group<K, 4>(block, weights, row);
    }
  }
}

void multiply_packed(const DotBlock& block, const PackedPanels& weights) {
  with_kind(weights.format,
            [&](auto kind) HWY_ATTR { multiply_groups<decltype(kind)>(block, weights); });
}

}  // namespace

void fill_tiles8(Table& table) { table.multiply_packed = multiply_packed; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_tiles8);
void fill_tiles8(Table& table) { HWY_DYNAMIC_DISPATCH(fill_tiles8)(table); }

}  // namespace lathe::kernels::cpu
#endif
