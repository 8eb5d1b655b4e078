// Panels of floats (kernels/packed.h) as vectors of f32. Included once for each instruction set.
#if defined(LATHE_KERNELS_CPU_FLOATS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_FLOATS_INL_H_
#undef LATHE_KERNELS_CPU_FLOATS_INL_H_
#else
#define LATHE_KERNELS_CPU_FLOATS_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/cpu/expand-inl.h"

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

// Two neighbours along k, for a vector of lanes.
struct Pair {
  LanesVec even, odd;
};

// A format of floats at compile time, and where its blocks stand in a panel.
template <ScaleForm kTheForm>
struct FloatKind {
  static constexpr ScaleForm kForm = kTheForm;
  static constexpr std::size_t kBlockBytes =
      kPackedLanes * kPackedBlock * (kForm == ScaleForm::f32 ? 4 : 2);
  static constexpr std::size_t block_at(std::size_t block) { return block * kBlockBytes; }
  static constexpr std::size_t head_at(std::size_t block) { return block_at(block); }

  // Values i and i + 1 of a block, for the vector of lanes from `lane` on. REQUIRES: i is even.
  static HWY_INLINE Pair pair_at(const std::byte* block, std::size_t i, std::size_t lane) {
    const LanesTag d;
    const std::byte* at = block + packed_float_place(kForm, lane, i);
    if constexpr (kForm == ScaleForm::bf16) {
      const hn::Repartition<std::uint32_t, LanesTag> d32;
      const auto both = hn::LoadU(d32, reinterpret_cast<const std::uint32_t*>(at));
      return {hn::BitCast(d, hn::ShiftLeft<16>(both)),
              hn::BitCast(d, hn::And(both, hn::Set(d32, 0xffff0000u)))};
    } else {
      const std::byte* next = block + packed_float_place(kForm, lane, i + 1);
      if constexpr (kForm == ScaleForm::f16) return {halves_at(at), halves_at(next)};
      return {hn::LoadU(d, reinterpret_cast<const float*>(at)),
              hn::LoadU(d, reinterpret_cast<const float*>(next))};
    }
  }
};

template <class K>
concept FloatKindLike = has_floats(K::kForm);

// Calls body(FloatKind()) for a form of floats.
template <class Body>
HWY_INLINE void with_float_kind(ScaleForm form, const Body& body) {
  if (form == ScaleForm::f32) return body(FloatKind<ScaleForm::f32>());
  if (form == ScaleForm::f16) return body(FloatKind<ScaleForm::f16>());
  body(FloatKind<ScaleForm::bf16>());
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR
#endif  // per-target include guard
