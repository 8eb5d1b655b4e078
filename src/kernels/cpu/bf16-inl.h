// Vectors of f32 rounded to bf16, to the nearest, ties to even. For processors with AMX, which have
// the instructions; as assembly, since Highway's targets for them do not let the compiler use them.
#if defined(LATHE_KERNELS_CPU_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_BF16_INL_H_
#undef LATHE_KERNELS_CPU_BF16_INL_H_
#else
#define LATHE_KERNELS_CPU_BF16_INL_H_
#endif

#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats16 = hn::Vec512<float>;

HWY_INLINE __m256i bf16_of(Floats16 values) {
  __m256i rounded;
  asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(values.raw));
  return rounded;
}

// One after the other.
HWY_INLINE __m512i bf16_of(Floats16 first, Floats16 second) {
  __m512i both;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(first.raw), "v"(second.raw));
  return both;
}

// Those of `even` in the lower halves of 32 bits.
HWY_INLINE __m512i interleaved_bf16_of(Floats16 even, Floats16 odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, bf16_of(even, odd));
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_AVX3_DL
#endif  // per-target include guard
