// The product of one row of 8-bit activations with packed weights: what decoding one answer does.
//
// It is bound by reading the weights, each of which is used once, so blocks are taken apart in
// registers. Several panels are read side by side, each as one stream that is asked for ahead of
// its use.
#include <algorithm>

#include "kernels/cpu/targets_dot.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_row.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/streams-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR
void fill_row(Table&) {}
#else
namespace {

// Panels side by side, at most: as many as leave registers for the weights.
constexpr std::size_t kStreams = kLaneVectors == 1 ? 8 : kLaneVectors == 2 ? 2 : 1;
constexpr std::size_t kLine = 64;

// sum + the product of one block, for the vector of lanes from `lane` on.
template <class K>
HWY_INLINE LanesVec add_block(BlockPlace place, const QuantisedRows& a, std::size_t lane,
                              LanesVec sum) {
  const std::uint8_t* integers = integers_of<K>(place) + 4 * lane;
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    IntVec dots[1];
    const std::size_t first = part * K::kQuads;
    dot_quads<1, K::kBits, K::kQuads>(
        [integers, first](std::size_t j)
            HWY_ATTR { return quad_of<K::kBits>(integers, first + j); },
        a.values + 4 * first, dots);
    const auto scales = scale_of<K>(place, part, lane);
    LanesVec minima = scales;
    if constexpr (K::kMinimum) minima = minimum_of<K>(place, part, lane);
    sum = PartSums<K>{a, 1, part}.add(0, dots[0], scales, minima, sum);
  }
  return sum;
}

// `streams` panels that stand `distance` bytes apart: out[i][lane] (+)= the row's product with
// panel i.
template <class K, std::size_t S>
HWY_INLINE void multiply_streams(const DotBlock& row, const std::byte* panels, std::size_t distance,
                                 float (*out)[kPackedLanes]) {
  const LanesTag d;
  LanesVec sums[S * kLaneVectors];
  LATHE_UNROLL(8)
  for (std::size_t i = 0; i < S * kLaneVectors; ++i) sums[i] = hn::Load(d, *out + i * hn::Lanes(d));
  QuantisedRows a = row.a;
  for (std::size_t block = 0; block < a.k / kPackedBlock; ++block) {
    LATHE_UNROLL(8)
    for (std::size_t s = 0; s < S; ++s) {
      const BlockPlace place = place_of<K>(panels + s * distance, block);
      for (std::size_t at = 0; at < K::kBlockBytes; at += kLine)
        hwy::Prefetch(place.block + row.reading.bytes + at);
      LATHE_UNROLL(4)
      for (std::size_t v = 0; v < kLaneVectors; ++v) {
        LanesVec& sum = sums[s * kLaneVectors + v];
        sum = add_block<K>(place, a, v * hn::Lanes(d), sum);
      }
    }
    a.next_block(1);
  }
  LATHE_UNROLL(8)
  for (std::size_t i = 0; i < S * kLaneVectors; ++i) hn::Store(sums[i], d, *out + i * hn::Lanes(d));
}

// The row times the panels of some streams.
template <class K, std::size_t S>
void multiply_panels(const DotBlock& block, const PackedPanels& weights, const Streams& streams) {
  HWY_ALIGN float out[S][kPackedLanes] = {};
  const auto column = [&](std::size_t s) { return streams.panel(s) * kPackedLanes; };
  const auto columns = [&](std::size_t s) {
    return std::min(kPackedLanes, block.columns - column(s));
  };
  for (std::size_t s = 0; block.accumulate && s < S; ++s)
    std::copy_n(block.c + column(s), columns(s), out[s]);
  const std::size_t bytes = packed_panel_bytes(weights.format, weights.k);
  multiply_streams<K, S>(block, weights.panel(streams.first), streams.step * bytes, out);
  for (std::size_t s = 0; s < S; ++s) std::copy_n(out[s], columns(s), block.c + column(s));
}

void multiply_row(const DotBlock& block, const PackedPanels& weights) {
  const std::size_t panels = (block.columns + kPackedLanes - 1) / kPackedLanes;
  with_kind(weights.format, [&](auto kind) HWY_ATTR {
    for_asked_streams<kStreams>(
        block.reading.streams, 0, panels, [&](const Streams& streams, auto side_by_side) HWY_ATTR {
          multiply_panels<decltype(kind), decltype(side_by_side)::value>(block, weights, streams);
        });
  });
}

}  // namespace

void fill_row(Table& table) { table.multiply_row = multiply_row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_row);
void fill_row(Table& table) { HWY_DYNAMIC_DISPATCH(fill_row)(table); }

}  // namespace lathe::kernels::cpu
#endif
