// A block of a packed panel, taken apart into bytes and f32 scales: what the products of packed
// weights read. Included once for each instruction set.
#if defined(LATHE_KERNELS_CPU_EXPAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_EXPAND_INL_H_
#undef LATHE_KERNELS_CPU_EXPAND_INL_H_
#else
#define LATHE_KERNELS_CPU_EXPAND_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/packed.h"

// Highway's fallback without vectors, which no table takes (cpu.cc), is left out.
#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kQuadBytes = kPackedLanes * 4;
constexpr std::size_t kBlockQuads = kPackedBlock / 4;

struct alignas(64) ExpandedBlock {
  std::uint8_t values[kBlockQuads * kQuadBytes];  // [quad][lane][4]
  // Of each half of the block; the second is not set where halves share a scale, minima are not
  // where the form has none.
  float scales[2][kPackedLanes];
  float minima[2][kPackedLanes];
};

using BytesTag = hn::CappedTag<std::uint8_t, kQuadBytes>;

// (bytes >> kShift) & kMask, byte by byte.
template <int kShift, int kMask>
HWY_INLINE hn::Vec<BytesTag> bits_of(hn::Vec<BytesTag> bytes) {
  const BytesTag d;
  const hn::Repartition<std::uint16_t, BytesTag> d16;
  const auto shifted = hn::BitCast(d, hn::ShiftRight<kShift>(hn::BitCast(d16, bytes)));
  return hn::And(shifted, hn::Set(d, static_cast<std::uint8_t>(kMask)));
}

// Adds kShift's two (or one) upper bits to the quad at `to`; from holds them for several quads.
template <int kBits, int kQuad>
HWY_INLINE void add_rest(const std::uint8_t* from, std::uint8_t* to) {
  const BytesTag d;
  constexpr int kWidth = kBits - 4;
  constexpr int kShift = kQuad * kWidth % 8;
  const hn::Repartition<std::uint16_t, BytesTag> d16;
  for (std::size_t i = 0; i < kQuadBytes; i += hn::Lanes(d)) {
    const auto rest = bits_of<kShift, (1 << kWidth) - 1>(hn::LoadU(d, from + i));
    // No bit leaves its byte: the rest is below 4.
    const auto placed = hn::BitCast(d, hn::ShiftLeft<4>(hn::BitCast(d16, rest)));
    hn::Store(hn::Or(hn::Load(d, to + i), placed), d, to + i);
  }
}

template <int kBits>
HWY_INLINE void expand_integers(const std::uint8_t* from, std::uint8_t* to) {
  const BytesTag d;
  if constexpr (kBits == 8) {
    for (std::size_t i = 0; i < kBlockQuads * kQuadBytes; i += hn::Lanes(d))
      hn::Store(hn::LoadU(d, from + i), d, to + i);
    return;
  }
  constexpr std::size_t kHalf = kBlockQuads / 2 * kQuadBytes;
  for (std::size_t i = 0; i < kHalf; i += hn::Lanes(d)) {
    const auto both = hn::LoadU(d, from + i);
    hn::Store(bits_of<0, 15>(both), d, to + i);
    hn::Store(bits_of<4, 15>(both), d, to + kHalf + i);
  }
  if constexpr (kBits == 5 || kBits == 6) {
    const std::uint8_t* rest = from + kHalf;
    const std::uint8_t* upper = kBits == 6 ? rest + kQuadBytes : rest;
    add_rest<kBits, 0>(rest, to);
    add_rest<kBits, 1>(rest, to + kQuadBytes);
    add_rest<kBits, 2>(rest, to + 2 * kQuadBytes);
    add_rest<kBits, 3>(rest, to + 3 * kQuadBytes);
    add_rest<kBits, 4>(upper, to + 4 * kQuadBytes);
    add_rest<kBits, 5>(upper, to + 5 * kQuadBytes);
    add_rest<kBits, 6>(upper, to + 6 * kQuadBytes);
    add_rest<kBits, 7>(upper, to + 7 * kQuadBytes);
  }
}

using LanesTag = hn::CappedTag<float, kPackedLanes>;
using LanesVec = hn::Vec<LanesTag>;

HWY_INLINE LanesVec halves_at(const std::byte* p) {
  const hn::Rebind<hwy::float16_t, LanesTag> d16;
  return hn::PromoteTo(LanesTag(), hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p)));
}

template <class T>
HWY_INLINE LanesVec small_at(const std::byte* p) {
  const hn::Rebind<T, LanesTag> d8;
  const hn::Rebind<std::int32_t, LanesTag> d32;
  return hn::ConvertTo(LanesTag(),
                       hn::PromoteTo(d32, hn::LoadU(d8, reinterpret_cast<const T*>(p))));
}

HWY_INLINE void expand_scales(ScaleForm form, const std::byte* head, const std::byte* block,
                              ExpandedBlock& out) {
  const LanesTag d;
  const std::byte* halves = has_super_blocks(form) ? head : block;
  for (std::size_t i = 0; i < kPackedLanes; i += hn::Lanes(d)) {
    const auto scale = halves_at(halves + 2 * i);
    const auto minimum = has_minimum(form) ? halves_at(halves + 2 * (kPackedLanes + i)) : scale;
    switch (form) {
      case ScaleForm::block:
        hn::Store(scale, d, out.scales[0] + i);
        break;
      case ScaleForm::block_min:
        hn::Store(scale, d, out.scales[0] + i);
        hn::Store(minimum, d, out.minima[0] + i);
        break;
      case ScaleForm::super_min:
        hn::Store(hn::Mul(scale, small_at<std::uint8_t>(block + i)), d, out.scales[0] + i);
        hn::Store(hn::Neg(hn::Mul(minimum, small_at<std::uint8_t>(block + kPackedLanes + i))), d,
                  out.minima[0] + i);
        break;
      case ScaleForm::super16:
        for (std::size_t h = 0; h < 2; ++h) {
          const std::byte* small = block + h * kPackedLanes + i;
          hn::Store(hn::Mul(scale, small_at<std::int8_t>(small)), d, out.scales[h] + i);
        }
        break;
      case ScaleForm::super16_min:
        for (std::size_t h = 0; h < 2; ++h) {
          const std::byte* small = block + h * kPackedLanes + i;
          hn::Store(hn::Mul(scale, small_at<std::uint8_t>(small)), d, out.scales[h] + i);
          const auto t = small_at<std::uint8_t>(small + 2 * kPackedLanes);
          hn::Store(hn::Neg(hn::Mul(minimum, t)), d, out.minima[h] + i);
        }
        break;
    }
  }
}

// Block `index` of a panel.
template <int kBits>
HWY_INLINE void expand_block(PackedFormat format, const std::byte* panel, std::size_t index,
                             ExpandedBlock& out) {
  const PackedPlace place = packed_place(format, index);
  const std::byte* block = panel + place.block;
  expand_scales(format.form, panel + place.head, block, out);
  expand_integers<kBits>(
      reinterpret_cast<const std::uint8_t*>(block + packed_scale_bytes(format.form)), out.values);
}

// Calls body<kBits>() for the format's number of bits.
template <class Body>
HWY_INLINE void with_bits(PackedFormat format, const Body& body) {
  switch (format.bits) {
    case 4:
      return body(std::integral_constant<int, 4>());
    case 5:
      return body(std::integral_constant<int, 5>());
    case 6:
      return body(std::integral_constant<int, 6>());
    default:
      return body(std::integral_constant<int, 8>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR
#endif  // per-target include guard
