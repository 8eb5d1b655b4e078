// Products of rows of 8-bit activations with packed weights by instructions that add four products
// at once (AVX-512 VNNI): batches of decodes, and prompts where there are no tiles.
//
// A block of a panel is taken apart in registers and multiplied with up to 16 rows there, each sum
// of 32 products in one register from its first to its last: what it starts with is the part that
// the weights' zero adds, and the next thing that happens to it is the link of the output's chain
// in f32. The chain is that of multiply_packed.cc, so that a row has the same bits. A panel is read
// from its start to its end and asked for ahead; its activations stay in the caches.
#include <algorithm>

#include "kernels/cpu/targets_dot.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_dot.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/streams-inl.h"
#include "kernels/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_AVX3_DL
void fill_multiply_dot(Table&) {}
#else
namespace {

constexpr std::size_t kLine = 64;
// Panels that all rows pass before the next ones: they stay in L2 meanwhile.
constexpr std::size_t kPanelsBytes = 256 << 10;

// The rows of one group, from a block on. A term is what a row's activations add to each sum of a
// block (or of its halves), whatever the weights: the integer -zero * their sum, or where the
// format has a minimum, its factor: the f32 scale * their sum.
struct GroupRows {
  const std::int8_t* values;  // [blocks][16][32]
  const float* scales;        // [blocks][16]
  const std::int32_t* terms;  // [blocks][parts][16]: integers, or the bits of an f32

  template <class K>
  HWY_INLINE void next_block() {
    values += kQuantisedGroup * kPackedBlock;
    scales += kQuantisedGroup;
    terms += K::kParts * kQuantisedGroup;
  }
};

template <class K>
void make_terms(QuantisedRows a, std::size_t blocks, std::int32_t* terms) {
  static_assert(kQuantisedGroup == kPackedLanes);
  const LanesTag d;
  const IntTag d32;
  const auto minus_zero = hn::Set(d32, -K::kZero);
  for (std::size_t block = 0; block < blocks; ++block, a.next_block(kQuantisedGroup)) {
    const auto scales = hn::LoadU(d, a.scales);
    for (std::size_t part = 0; part < K::kParts; ++part, terms += kQuantisedGroup) {
      const auto sums =
          hn::LoadU(d32, K::kParts == 2 ? a.half_sums + part * kQuantisedGroup : a.block_sums);
      const auto factors = hn::BitCast(d32, hn::Mul(scales, hn::ConvertTo(d, sums)));
      hn::StoreU(K::kMinimum ? factors : hn::Mul(sums, minus_zero), d32, terms);
    }
  }
}

// sums[r] += the products of one block with R rows.
template <class K, std::size_t R>
HWY_INLINE void add_block(BlockPlace place, const GroupRows& a, LanesVec (&sums)[R]) {
  const LanesTag d;
  const std::uint8_t* integers = integers_of<K>(place);
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    const std::size_t first = part * K::kQuads;
    ByteVec weights[K::kQuads];
    LATHE_UNROLL(8)
    for (std::size_t j = 0; j < K::kQuads; ++j) weights[j] = quad_of<K::kBits>(integers, first + j);
    const auto scales = scale_of<K>(place, part, 0);
    LanesVec minima = scales;
    if constexpr (K::kMinimum) minima = minimum_of<K>(place, part, 0);
    const std::int32_t* terms = a.terms + part * kQuantisedGroup;
    LATHE_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) {
      const auto term = hn::Set(IntTag(), terms[r]);
      IntVec dot = K::kMinimum ? hn::Zero(IntTag()) : term;
      LATHE_UNROLL(8)
      for (std::size_t j = 0; j < K::kQuads; ++j)
        dot = add_dot(dot, weights[j], a.values + r * kPackedBlock + 4 * (first + j));
      const auto scale = hn::Mul(scales, hn::Set(d, a.scales[r]));
      sums[r] = hn::MulAdd(hn::ConvertTo(d, dot), scale, sums[r]);
      if constexpr (K::kMinimum) sums[r] = hn::MulAdd(minima, hn::BitCast(d, term), sums[r]);
    }
  }
}

// Rows of one group times packed weights.
struct GroupProduct {
  const DotBlock& block;
  const PackedPanels& weights;
  std::size_t first_row;
  GroupRows a;

  std::size_t rows() const { return std::min(kQuantisedGroup, block.rows - first_row); }
  std::size_t columns(std::size_t panel) const {
    return std::min(kPackedLanes, block.columns - panel * kPackedLanes);
  }
  float* c(std::size_t row, std::size_t panel) const {
    return block.c + (first_row + row) * block.c_stride + panel * kPackedLanes;
  }
};

// R >= p.rows(): what the rows above give is not kept.
template <class K, std::size_t R, std::size_t S>
void multiply_streams(const GroupProduct& p, const Streams& streams) {
  const LanesTag d;
  const std::size_t rows = p.rows();
  const std::byte* panels[S];
  LanesVec sums[S][R];
  LATHE_UNROLL(4)
  for (std::size_t s = 0; s < S; ++s) {
    const std::size_t panel = streams.panel(s);
    const auto inside = hn::FirstN(d, p.columns(panel));
    panels[s] = p.weights.panel(panel);
    LATHE_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) {
      sums[s][r] =
          p.block.accumulate && r < rows ? hn::MaskedLoad(inside, d, p.c(r, panel)) : hn::Zero(d);
    }
  }
  GroupRows a = p.a;
  for (std::size_t block = 0; block < p.weights.k / kPackedBlock; ++block) {
    LATHE_UNROLL(4)
    for (std::size_t s = 0; s < S; ++s) {
      const BlockPlace place = place_of<K>(panels[s], block);
      for (std::size_t at = 0; at < K::kBlockBytes; at += kLine)
        hwy::Prefetch(place.block + p.block.reading.bytes + at);
      add_block<K, R>(place, a, sums[s]);
      // Mixed, the loads of two streams would leave no registers for the sums.
      asm volatile("" ::: "memory");
    }
    a.next_block<K>();
  }
  LATHE_UNROLL(4)
  for (std::size_t s = 0; s < S; ++s) {
    const std::size_t panel = streams.panel(s);
    const auto inside = hn::FirstN(d, p.columns(panel));
    LATHE_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) {
      if (r < rows) hn::BlendedStore(sums[s][r], inside, d, p.c(r, panel));
    }
  }
}

// Up to S panels at a time.
template <class K, std::size_t R, std::size_t S>
void multiply_panels(const GroupProduct& p, std::size_t first, std::size_t count) {
  for_asked_streams<S>(p.block.reading.streams, first, count,
                       [&](const Streams& streams, auto side_by_side) HWY_ATTR {
                         multiply_streams<K, R, decltype(side_by_side)::value>(p, streams);
                       });
}

// As many streams as leave registers for the weights.
template <class K>
void multiply_rows(const GroupProduct& p, std::size_t first, std::size_t count) {
  const std::size_t rows = p.rows();
  if (rows > 12) return multiply_panels<K, 16, 1>(p, first, count);
  if (rows > 8) return multiply_panels<K, 12, 1>(p, first, count);
  if (rows > 6) return multiply_panels<K, 8, 2>(p, first, count);
  if (rows > 4) return multiply_panels<K, 6, 2>(p, first, count);
  if (rows > 2) return multiply_panels<K, 4, 4>(p, first, count);
  return multiply_panels<K, 2, 4>(p, first, count);
}

// All rows times panels [first, first + count).
template <class K>
void multiply_all(const DotBlock& block, const PackedPanels& weights, std::size_t first,
                  std::size_t count) {
  thread_local Scratch<std::int32_t> scratch;
  const std::size_t blocks = weights.k / kPackedBlock;
  std::int32_t* terms = scratch.take(blocks * K::kParts * kQuantisedGroup);
  for (std::size_t row = 0; row < block.rows; row += kQuantisedGroup) {
    const QuantisedRows a = block.a.from(row, 0);
    make_terms<K>(a, blocks, terms);
    multiply_rows<K>({block, weights, row, {a.values, a.scales, terms}}, first, count);
  }
}

void multiply_packed(const DotBlock& block, const PackedPanels& weights) {
  const std::size_t panels = (block.columns + kPackedLanes - 1) / kPackedLanes;
  const std::size_t bytes = packed_panel_bytes(weights.format, weights.k);
  const std::size_t some =
      block.rows <= kQuantisedGroup ? panels : std::max<std::size_t>(1, kPanelsBytes / bytes);
  with_kind(weights.format, [&](auto kind) HWY_ATTR {
    for (std::size_t first = 0; first < panels; first += some)
      multiply_all<decltype(kind)>(block, weights, first, std::min(some, panels - first));
  });
}

}  // namespace

void fill_multiply_dot(Table& table) { table.multiply_packed = multiply_packed; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_multiply_dot);
void fill_multiply_dot(Table& table) { HWY_DYNAMIC_DISPATCH(fill_multiply_dot)(table); }

}  // namespace lathe::kernels::cpu
#endif
