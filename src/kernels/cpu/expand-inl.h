// Packed weights taken apart (kernels/packed.h): the integers of a block as bytes, its scales as
// f32. Included once for each instruction set.
#if defined(LATHE_KERNELS_CPU_EXPAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_EXPAND_INL_H_
#undef LATHE_KERNELS_CPU_EXPAND_INL_H_
#else
#define LATHE_KERNELS_CPU_EXPAND_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/cpu/unroll.h"
#include "kernels/packed.h"

// Highway's fallback without vectors, which no table takes (cpu.cc), is left out.
#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kQuadBytes = kPackedLanes * 4;
constexpr std::size_t kBlockQuads = kPackedBlock / 4;
constexpr std::size_t kSuperBlocks = kPackedSuperBlock / kPackedBlock;

using BytesTag = hn::CappedTag<std::uint8_t, kQuadBytes>;
using LanesTag = hn::CappedTag<float, kPackedLanes>;
using LanesVec = hn::Vec<LanesTag>;
// Of the same size: sums of integer products, and the bytes that are multiplied.
using IntTag = hn::Repartition<std::int32_t, LanesTag>;
using IntVec = hn::Vec<IntTag>;
using ByteTag = hn::Repartition<std::uint8_t, LanesTag>;
using ByteVec = hn::Vec<ByteTag>;

// A format at compile time, and where its parts stand in a panel.
template <int kTheBits, int kTheZero, ScaleForm kTheForm>
struct Kind {
  static constexpr int kBits = kTheBits;
  static constexpr int kZero = kTheZero;
  static constexpr ScaleForm kForm = kTheForm;
  static constexpr bool kSuper = has_super_blocks(kForm);
  static constexpr bool kMinimum = has_minimum(kForm);
  static constexpr std::size_t kParts = has_two_halves(kForm) ? 2 : 1;  // with scales of their own
  static constexpr std::size_t kQuads = kBlockQuads / kParts;           // of a part
  static constexpr std::size_t kScaleBytes = packed_scale_bytes(kForm);
  static constexpr std::size_t kBlockBytes = kScaleBytes + kPackedLanes * kPackedBlock / 8 * kBits;
  static constexpr std::size_t kHeadBytes = !kSuper ? 0 : kPackedLanes * (kMinimum ? 4 : 2);

  // From a panel's start to the head of a block's super-block, and to the block.
  static constexpr std::size_t head_at(std::size_t block) {
    return block / kSuperBlocks * (kHeadBytes + kSuperBlocks * kBlockBytes);
  }
  static constexpr std::size_t block_at(std::size_t block) {
    if (!kSuper) return block * kBlockBytes;
    return head_at(block) + kHeadBytes + block % kSuperBlocks * kBlockBytes;
  }
};

// Calls body(Kind()) for the kind of a format of integers: those that ops/pack.cc makes.
template <class Body>
HWY_INLINE void with_kind(PackedFormat format, const Body& body) {
  switch (format.form) {
    case ScaleForm::block:
      if (format.bits == 4) return body(Kind<4, 8, ScaleForm::block>());
      if (format.bits == 5) return body(Kind<5, 16, ScaleForm::block>());
      return body(Kind<8, 128, ScaleForm::block>());
    case ScaleForm::block_min:
      if (format.bits == 4) return body(Kind<4, 0, ScaleForm::block_min>());
      return body(Kind<5, 0, ScaleForm::block_min>());
    case ScaleForm::super_min:
      if (format.bits == 4) return body(Kind<4, 0, ScaleForm::super_min>());
      return body(Kind<5, 0, ScaleForm::super_min>());
    case ScaleForm::super16:
      if (format.bits == 4) return body(Kind<4, 4, ScaleForm::super16>());
      if (format.bits == 6) return body(Kind<6, 32, ScaleForm::super16>());
      return body(Kind<8, 128, ScaleForm::super16>());
    case ScaleForm::super16_min:
      return body(Kind<4, 0, ScaleForm::super16_min>());
    case ScaleForm::f32:  // floats-inl.h
    case ScaleForm::f16:
    case ScaleForm::bf16:
      return;
  }
}

// (bytes >> kShift) & kMask, byte by byte.
template <int kShift, int kMask>
HWY_INLINE hn::Vec<BytesTag> bits_of(hn::Vec<BytesTag> bytes) {
  const BytesTag d;
#if HWY_ARCH_ARM_A64  // shifts bytes
  const auto shifted = hn::ShiftRight<kShift>(bytes);
  if (kMask == 255 >> kShift) return shifted;
#else
  const hn::Repartition<std::uint16_t, BytesTag> d16;
  const auto shifted = hn::BitCast(d, hn::ShiftRight<kShift>(hn::BitCast(d16, bytes)));
#endif
  return hn::And(shifted, hn::Set(d, static_cast<std::uint8_t>(kMask)));
}

// A vector's part of a quad: `integers` is where the block's stand, and the vector's bytes on.
template <int kBits, int kQuad>
HWY_INLINE hn::Vec<BytesTag> quad_of(const std::uint8_t* integers) {
  const BytesTag d;
  if constexpr (kBits == 8) {
    return hn::LoadU(d, integers + kQuad * kQuadBytes);
  } else {
    constexpr int kHalf = kBlockQuads / 2;
    const auto low =
        bits_of<kQuad / kHalf * 4, 15>(hn::LoadU(d, integers + kQuad % kHalf * kQuadBytes));
    if constexpr (kBits == 4) {
      return low;
    } else {
      constexpr int kWidth = kBits - 4;   // of the rest of a value
      constexpr int kQuads = 8 / kWidth;  // whose rests share a byte
      const hn::Repartition<std::uint16_t, BytesTag> d16;
      const auto rest = bits_of<kQuad % kQuads * kWidth, (1 << kWidth) - 1>(
          hn::LoadU(d, integers + (kHalf + kQuad / kQuads) * kQuadBytes));
      // No bit leaves its byte: the rest is below 4.
      return hn::Or(low, hn::BitCast(d, hn::ShiftLeft<4>(hn::BitCast(d16, rest))));
    }
  }
}

// The same with a quad that is known once a loop is unrolled.
template <int kBits>
HWY_INLINE hn::Vec<BytesTag> quad_of(const std::uint8_t* integers, std::size_t quad) {
  switch (quad) {
    case 0:
      return quad_of<kBits, 0>(integers);
    case 1:
      return quad_of<kBits, 1>(integers);
    case 2:
      return quad_of<kBits, 2>(integers);
    case 3:
      return quad_of<kBits, 3>(integers);
    case 4:
      return quad_of<kBits, 4>(integers);
    case 5:
      return quad_of<kBits, 5>(integers);
    case 6:
      return quad_of<kBits, 6>(integers);
    default:
      return quad_of<kBits, 7>(integers);
  }
}

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

// Where a block stands: its scales, and those of its super-block.
struct BlockPlace {
  const std::byte* head;
  const std::byte* block;
};

template <class K>
HWY_INLINE BlockPlace place_of(const std::byte* panel, std::size_t block) {
  return {panel + K::head_at(block), panel + K::block_at(block)};
}

template <class K>
HWY_INLINE const std::uint8_t* integers_of(BlockPlace place) {
  return reinterpret_cast<const std::uint8_t*>(place.block + K::kScaleBytes);
}

// The scales of a part of a block, for the vector of lanes from `lane` on.
template <class K>
HWY_INLINE LanesVec scale_of(BlockPlace place, std::size_t part, std::size_t lane) {
  const auto d = halves_at((K::kSuper ? place.head : place.block) + 2 * lane);
  if constexpr (!K::kSuper) {
    return d;
  } else {
    const std::byte* small = place.block + part * kPackedLanes + lane;
    using Small = std::conditional_t<K::kMinimum, std::uint8_t, std::int8_t>;
    return hn::Mul(d, small_at<Small>(small));
  }
}

// The minima. REQUIRES: the form has them.
template <class K>
HWY_INLINE LanesVec minimum_of(BlockPlace place, std::size_t part, std::size_t lane) {
  static_assert(K::kMinimum);
  const auto m = halves_at((K::kSuper ? place.head : place.block) + 2 * (kPackedLanes + lane));
  if constexpr (!K::kSuper) {
    return m;
  } else {
    const std::byte* small = place.block + (K::kParts + part) * kPackedLanes + lane;
    return hn::Neg(hn::Mul(m, small_at<std::uint8_t>(small)));
  }
}

struct alignas(64) ExpandedBlock {
  std::uint8_t values[kBlockQuads * kQuadBytes];  // [quad][lane][4]
  // Of each part of the block; minima only where the form has them.
  float scales[2][kPackedLanes];
  float minima[2][kPackedLanes];
};

template <class K>
HWY_INLINE void expand_scales(BlockPlace place, ExpandedBlock& out) {
  const LanesTag d;
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    for (std::size_t lane = 0; lane < kPackedLanes; lane += hn::Lanes(d)) {
      hn::Store(scale_of<K>(place, part, lane), d, out.scales[part] + lane);
      if constexpr (K::kMinimum)
        hn::Store(minimum_of<K>(place, part, lane), d, out.minima[part] + lane);
    }
  }
}

template <class K>
HWY_INLINE void expand_block(const std::byte* panel, std::size_t index, ExpandedBlock& out) {
  const BytesTag d8;
  const BlockPlace place = place_of<K>(panel, index);
  expand_scales<K>(place, out);
  const std::uint8_t* integers = integers_of<K>(place);
  for (std::size_t i = 0; i < kQuadBytes; i += hn::Lanes(d8)) {
    LATHE_UNROLL(8)
    for (std::size_t quad = 0; quad < kBlockQuads; ++quad)
      hn::Store(quad_of<K::kBits>(integers + i, quad), d8, out.values + quad * kQuadBytes + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR
#endif  // per-target include guard
