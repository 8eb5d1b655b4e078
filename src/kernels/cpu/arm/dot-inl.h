// dot-inl.h on 64-bit Arm: plain NEON, or with the extension that the source is compiled for
// (neon_dot.h, neon_i8mm.h).
//
// USDOT multiplies unsigned weights by signed activations. The others take both as signed: up to 6
// bits weights are positive as signed bytes too, those of 8 bits are less their zero, 128. Without
// a dot product, products are added in 16 bits, each byte's by itself: there is room for 8 of 15 or
// of 31 times 127, for 4 of 63 times 127, for 2 of 128 times 127.
#if defined(LATHE_KERNELS_CPU_ARM_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_ARM_DOT_INL_H_
#undef LATHE_KERNELS_CPU_ARM_DOT_INL_H_
#else
#define LATHE_KERNELS_CPU_ARM_DOT_INL_H_
#endif

#include <cstring>

#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/unroll.h"
#include "kernels/quantised_rows.h"

// From here on, what HWY_BEFORE_NAMESPACE and HWY_ATTR let the compiler use.
#ifdef LATHE_ARM_TARGET
#undef HWY_TARGET_STR
#define HWY_TARGET_STR LATHE_ARM_TARGET
#endif

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

#ifdef LATHE_ARM_DOT
constexpr bool kHasDot = true;
#else
constexpr bool kHasDot = false;
#endif

// Whether weights of so many bits enter the sums as they stand, unsigned.
#ifdef LATHE_ARM_I8MM
template <int kBits>
constexpr bool kTakenUnsigned = true;
#else
template <int kBits>
constexpr bool kTakenUnsigned = kBits < 8;
#endif

// Weights as the instructions take them.
template <int kBits>
HWY_INLINE ByteVec taken(ByteVec weights) {
  if (kTakenUnsigned<kBits>) return weights;
  return hn::Xor(weights, hn::Set(ByteTag(), 128));
}

HWY_INLINE int8x16_t as_signed(ByteVec v) { return vreinterpretq_s8_u8(v.raw); }

#ifdef LATHE_ARM_DOT
// sum + the products of each lane's four weights with four of sixteen activations.
template <int kQuad>
HWY_INLINE IntVec add_dot(IntVec sum, ByteVec w, int8x16_t a) {
#ifdef LATHE_ARM_I8MM
  return IntVec(vusdotq_laneq_s32(sum.raw, w.raw, a, kQuad));
#else
  return IntVec(vdotq_laneq_s32(sum.raw, as_signed(w), a, kQuad));
#endif
}

// As many products as the processor adds at once, for measuring it.
#ifdef LATHE_ARM_I8MM
constexpr std::size_t kMostProducts = 32;
HWY_INLINE IntVec add_most_products(IntVec sum, ByteVec w, ByteVec a) {
  return IntVec(vmmlaq_s32(sum.raw, as_signed(w), as_signed(a)));
}
#else
constexpr std::size_t kMostProducts = 16;
HWY_INLINE IntVec add_most_products(IntVec sum, ByteVec w, ByteVec a) {
  return add_dot<0>(sum, w, as_signed(a));
}
#endif

// sums[r] = the products' sums over kQuads quads, for one vector of lanes: quad_at(j) is the
// vector's part of quad j, a the activations of the first quad, those of the next row 32 bytes on.
template <std::size_t R, int kBits, std::size_t kQuads, class QuadAt>
HWY_INLINE void dot_quads(const QuadAt& quad_at, const std::int8_t* a, IntVec (&sums)[R]) {
  ByteVec weights[kQuads];
  LATHE_UNROLL(8)
  for (std::size_t j = 0; j < kQuads; ++j) weights[j] = taken<kBits>(quad_at(j));
  LATHE_UNROLL(8)
  for (std::size_t r = 0; r < R; ++r) {
    IntVec sum = hn::Zero(IntTag());
    LATHE_UNROLL(2)
    for (std::size_t j = 0; j < kQuads; j += 4) {
      const int8x16_t sixteen = vld1q_s8(a + r * kPackedBlock + 4 * j);
      sum = add_dot<0>(sum, weights[j], sixteen);
      sum = add_dot<1>(sum, weights[j + 1], sixteen);
      sum = add_dot<2>(sum, weights[j + 2], sixteen);
      sum = add_dot<3>(sum, weights[j + 3], sixteen);
    }
    sums[r] = sum;
  }
}
#else
// Sums of products in 16 bits: of the vector's lower and of its upper lanes.
struct ByteProducts {
  int16x8_t lower, upper;

  static HWY_INLINE ByteProducts of(int8x16_t w, int8x16_t a) {
    return {vmull_s8(vget_low_s8(w), vget_low_s8(a)), vmull_high_s8(w, a)};
  }
  HWY_INLINE void add(int8x16_t w, int8x16_t a) {
    lower = vmlal_s8(lower, vget_low_s8(w), vget_low_s8(a));
    upper = vmlal_high_s8(upper, w, a);
  }
  // Each lane's four in 32 bits.
  HWY_INLINE IntVec sum() const {
    return IntVec(vpaddq_s32(vpaddlq_s16(lower), vpaddlq_s16(upper)));
  }
};

// As many products as the processor adds in two instructions, for measuring it; the sums wrap.
constexpr std::size_t kMostProducts = 16;
HWY_INLINE IntVec add_most_products(IntVec sum, ByteVec w, ByteVec a) {
  const int16x8_t lower = vmlal_s8(vreinterpretq_s16_s32(sum.raw), vget_low_s8(as_signed(w)),
                                   vget_low_s8(as_signed(a)));
  return IntVec(vreinterpretq_s32_s16(vmlal_high_s8(lower, as_signed(w), as_signed(a))));
}

// Four activations, the same in every lane.
HWY_INLINE int8x16_t same_quad(const std::int8_t* p) {
  std::int32_t quad;
  std::memcpy(&quad, p, sizeof quad);
  return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

// As with a dot product, above.
template <std::size_t R, int kBits, std::size_t kQuads, class QuadAt>
HWY_INLINE void dot_quads(const QuadAt& quad_at, const std::int8_t* a, IntVec (&sums)[R]) {
  constexpr std::size_t kRoom = kBits <= 5 ? 8 : kBits == 6 ? 4 : 2;
  constexpr std::size_t kStep = kRoom < kQuads ? kRoom : kQuads;
  LATHE_UNROLL(8)
  for (std::size_t j0 = 0; j0 < kQuads; j0 += kStep) {
    ByteProducts products[R];
    LATHE_UNROLL(8)
    for (std::size_t j = j0; j < j0 + kStep; ++j) {
      const int8x16_t weights = as_signed(taken<kBits>(quad_at(j)));
      LATHE_UNROLL(8)
      for (std::size_t r = 0; r < R; ++r) {
        const int8x16_t quad = same_quad(a + r * kPackedBlock + 4 * j);
        if (j == j0) {
          products[r] = ByteProducts::of(weights, quad);
        } else {
          products[r].add(weights, quad);
        }
      }
    }
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = j0 == 0 ? products[r].sum() : hn::Add(sums[r], products[r].sum());
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
