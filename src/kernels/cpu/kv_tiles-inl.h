// How the values of kernels/kv_tiles.h are loaded and stored, by their type. Compiled once for each
// target, hence the guard that Highway toggles. Include after hwy/highway.h.
#if defined(LATHE_KERNELS_CPU_KV_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_KV_TILES_INL_H_
#undef LATHE_KERNELS_CPU_KV_TILES_INL_H_
#else
#define LATHE_KERNELS_CPU_KV_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "base/half.h"
#include "kernels/cpu/rows-inl.h"
#include "kernels/kv_tiles.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

struct StoredF32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static HWY_INLINE V load(const Value* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(V v, Value* p) { hn::StoreU(v, D(), p); }
};

struct StoredF16 {
  using Value = hwy::float16_t;
  static constexpr bool kScaled = false;
  static HWY_INLINE V load(const Value* p) {
    return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<Value, D>(), p));
  }
  // The greatest f16 in place of what is beyond it, so that no infinity spreads; the operands'
  // order keeps what is no number.
  static HWY_INLINE void store(V v, Value* p) {
    const D d;
    const V bounded = hn::Max(hn::Set(d, -65504.0f), hn::Min(hn::Set(d, 65504.0f), v));
#if HWY_TARGET <= HWY_AVX2 || HWY_ARCH_ARM_A64
    const hn::Rebind<Value, D> d16;
    hn::StoreU(hn::DemoteTo(d16, bounded), d16, p);
#else  // without the instruction Highway cuts off instead of rounding
    HWY_ALIGN float lanes[hn::MaxLanes(d)];
    hn::Store(bounded, d, lanes);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
      const std::uint16_t bits = f32_to_f16(lanes[i]);
      std::memcpy(p + i, &bits, sizeof(bits));
    }
#endif
  }
};

struct StoredInt8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static HWY_INLINE V load(const Value* p) {
    const hn::Rebind<std::int32_t, D> d32;
    return hn::ConvertTo(D(), hn::PromoteTo(d32, hn::LoadU(hn::Rebind<Value, D>(), p)));
  }
  // REQUIRES: in scales of the position already.
  static HWY_INLINE void store(V v, Value* p) {
    const hn::Rebind<Value, D> d8;
    hn::StoreU(hn::DemoteTo(d8, hn::NearestInt(v)), d8, p);
  }
};

// Calls body with the type's struct.
template <class Body>
HWY_INLINE void with_stored(KvType type, const Body& body) {
  switch (type) {
    case KvType::f32:
      return body(StoredF32());
    case KvType::f16:
      return body(StoredF16());
    case KvType::int8:
      return body(StoredInt8());
  }
}

// The values of a tile, behind the scales where there are some.
template <class S>
HWY_INLINE const typename S::Value* values_of(const std::byte* tile) {
  return reinterpret_cast<const typename S::Value*>(tile +
                                                    (S::kScaled ? kKvTile * sizeof(float) : 0));
}
template <class S>
HWY_INLINE typename S::Value* values_of(std::byte* tile) {
  return const_cast<typename S::Value*>(values_of<S>(static_cast<const std::byte*>(tile)));
}

HWY_INLINE const float* scales_of(const std::byte* tile) {
  return reinterpret_cast<const float*>(tile);
}

// REQUIRES: count is at most a vector. The lanes past it are zero, and nothing past them is read.
template <class S>
HWY_INLINE V load_values(const typename S::Value* p, std::size_t count) {
  if (count >= hn::Lanes(D())) return S::load(p);
  HWY_ALIGN typename S::Value rest[hn::MaxLanes(D())] = {};
  std::copy_n(p, HWY_MIN(count, hn::MaxLanes(D())), rest);
  return S::load(rest);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // LATHE_KERNELS_CPU_KV_TILES_INL_H_
