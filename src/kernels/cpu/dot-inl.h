// Sums of products of unsigned weight bytes and signed activations, exact in 32-bit integers: the
// one place that uses instructions which Highway 1.0 lacks.
//
// Without a dot-product instruction, pairs of products are added in 16 bits (vpmaddubsw). Weights
// of 4 bits leave room there for 8 of them, of 5 bits for 4, of 6 bits for 2 (2 * 63 * 127 * 2 <
// 2^15); weights of 8 bits are taken as signed, and their sign goes to the activation, so that a
// pair is at most 2 * 128 * 127 < 2^15.
#if defined(LATHE_KERNELS_CPU_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_DOT_INL_H_
#undef LATHE_KERNELS_CPU_DOT_INL_H_
#else
#define LATHE_KERNELS_CPU_DOT_INL_H_
#endif

#include <cstring>

#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/unroll.h"
#include "kernels/quantised_rows.h"
#if HWY_ARCH_ARM_A64
#include "kernels/cpu/arm/dot-inl.h"  // its dot_quads() and what goes with it
#endif

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kLaneVectors = kPackedLanes / hn::MaxLanes(LanesTag());
#if !HWY_ARCH_ARM_A64
// Whether four products are added at once (VNNI), or pairs of them in 16 bits.
#if HWY_TARGET <= HWY_AVX3_DL
constexpr bool kHasDot = true;
#else
constexpr bool kHasDot = false;
#endif

// Four activations, the same in every lane.
HWY_INLINE ByteVec same_quad(const std::int8_t* p) {
  std::int32_t quad;
  std::memcpy(&quad, p, sizeof quad);
  return hn::BitCast(ByteTag(), hn::Set(IntTag(), quad));
}

#if HWY_TARGET <= HWY_AVX3
#if HWY_TARGET <= HWY_AVX3_DL
// Four activations stand at a. Written as assembly since Highway 1.0 does not tell the compiler
// that AVX3_DL has the instruction; the operand in memory is broadcast on the way.
HWY_INLINE IntVec add_dot(IntVec sum, ByteVec w, const std::int8_t* a) {
  struct Quad {
    std::int8_t values[4];
  };
  asm("vpdpbusd %2%{1to16%}, %1, %0"
      : "+v"(sum.raw)
      : "v"(w.raw), "m"(*reinterpret_cast<const Quad*>(a)));
  return sum;
}
HWY_INLINE IntVec add_dot(IntVec sum, ByteVec w, ByteVec a) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(w.raw), "v"(a.raw));
  return sum;
}
#endif
HWY_INLINE IntVec pair_products(ByteVec w, ByteVec a) {
  return IntVec{_mm512_maddubs_epi16(w.raw, a.raw)};
}
HWY_INLINE IntVec add_pairs(IntVec a, IntVec b) { return IntVec{_mm512_add_epi16(a.raw, b.raw)}; }
HWY_INLINE IntVec sum_pairs(IntVec pairs) {
  return IntVec{_mm512_madd_epi16(pairs.raw, _mm512_set1_epi16(1))};
}
HWY_INLINE ByteVec magnitude(ByteVec w) { return ByteVec{_mm512_abs_epi8(w.raw)}; }
HWY_INLINE ByteVec with_sign_of(ByteVec a, ByteVec w) {
  const __mmask64 negative = _mm512_movepi8_mask(w.raw);
  return ByteVec{_mm512_mask_sub_epi8(a.raw, negative, _mm512_setzero_si512(), a.raw)};
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE IntVec pair_products(ByteVec w, ByteVec a) {
  return IntVec{_mm256_maddubs_epi16(w.raw, a.raw)};
}
HWY_INLINE IntVec add_pairs(IntVec a, IntVec b) { return IntVec{_mm256_add_epi16(a.raw, b.raw)}; }
HWY_INLINE IntVec sum_pairs(IntVec pairs) {
  return IntVec{_mm256_madd_epi16(pairs.raw, _mm256_set1_epi16(1))};
}
HWY_INLINE ByteVec magnitude(ByteVec w) { return ByteVec{_mm256_abs_epi8(w.raw)}; }
HWY_INLINE ByteVec with_sign_of(ByteVec a, ByteVec w) {
  return ByteVec{_mm256_sign_epi8(a.raw, w.raw)};
}
#elif HWY_TARGET == HWY_SSE4
HWY_INLINE IntVec pair_products(ByteVec w, ByteVec a) {
  return IntVec{_mm_maddubs_epi16(w.raw, a.raw)};
}
HWY_INLINE IntVec add_pairs(IntVec a, IntVec b) { return IntVec{_mm_add_epi16(a.raw, b.raw)}; }
HWY_INLINE IntVec sum_pairs(IntVec pairs) {
  return IntVec{_mm_madd_epi16(pairs.raw, _mm_set1_epi16(1))};
}
HWY_INLINE ByteVec magnitude(ByteVec w) { return ByteVec{_mm_abs_epi8(w.raw)}; }
HWY_INLINE ByteVec with_sign_of(ByteVec a, ByteVec w) {
  return ByteVec{_mm_sign_epi8(a.raw, w.raw)};
}
#endif

// Whether weights of so many bits enter the sums as they stand, unsigned.
template <int kBits>
constexpr bool kTakenUnsigned = kHasDot || kBits < 8;

// sums[r] = the products' sums over kQuads quads, for one vector of lanes: quad_at(j) is the
// vector's part of quad j, a the activations of the first quad, those of the next row 32 bytes on.
template <std::size_t R, int kBits, std::size_t kQuads, class QuadAt>
HWY_INLINE void dot_quads(const QuadAt& quad_at, const std::int8_t* a, IntVec (&sums)[R]) {
#if HWY_TARGET <= HWY_AVX3_DL
  for (std::size_t r = 0; r < R; ++r) sums[r] = hn::Zero(IntTag());
  LATHE_UNROLL(8)
  for (std::size_t j = 0; j < kQuads; ++j) {
    const auto weights = quad_at(j);
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = add_dot(sums[r], weights, a + r * kPackedBlock + 4 * j);
  }
#else
  constexpr std::size_t kGroup = kBits == 4 ? 8 : kBits == 5 ? 4 : kBits == 6 ? 2 : 1;
  constexpr std::size_t kStep = kGroup < kQuads ? kGroup : kQuads;
  LATHE_UNROLL(8)
  for (std::size_t j0 = 0; j0 < kQuads; j0 += kStep) {
    IntVec pairs[R];
    LATHE_UNROLL(8)
    for (std::size_t j = j0; j < j0 + kStep; ++j) {
      ByteVec weights = quad_at(j);
      if (kBits == 8) weights = hn::Xor(weights, hn::Set(ByteTag(), 128));
      const ByteVec unsigned_weights = kBits == 8 ? magnitude(weights) : weights;
      LATHE_UNROLL(8)
      for (std::size_t r = 0; r < R; ++r) {
        const ByteVec quad = same_quad(a + r * kPackedBlock + 4 * j);
        const IntVec products =
            pair_products(unsigned_weights, kBits == 8 ? with_sign_of(quad, weights) : quad);
        pairs[r] = j == j0 ? products : add_pairs(pairs[r], products);
      }
    }
    LATHE_UNROLL(8)
    for (std::size_t r = 0; r < R; ++r)
      sums[r] = j0 == 0 ? sum_pairs(pairs[r]) : hn::Add(sums[r], sum_pairs(pairs[r]));
  }
#endif
}
#endif  // !HWY_ARCH_ARM_A64

// For one part of a block and one vector of lanes: integer sums less what the zero adds, and the
// two links of the chain that they and a minimum are.
template <class K>
struct PartSums {
  const QuantisedRows& a;  // of the first row and the block
  std::size_t group;       // a.group, as a constant where it is known
  std::size_t part;

  HWY_INLINE std::int32_t activations(std::size_t r) const {
    return K::kParts == 2 ? a.half_sums[part * group + r] : a.block_sums[r];
  }
  HWY_INLINE LanesVec add(std::size_t r, IntVec dot, LanesVec scales, LanesVec minima,
                          LanesVec sum) const {
    const LanesTag d;
    const auto a_scale = hn::Set(d, a.scales[r]);
    if (kTakenUnsigned<K::kBits> && K::kZero != 0)
      dot = hn::Sub(dot, hn::Set(IntTag(), activations(r) * K::kZero));
    sum = hn::MulAdd(hn::ConvertTo(d, dot), hn::Mul(scales, a_scale), sum);
    if (!K::kMinimum) return sum;
    const auto a_sum = hn::Mul(a_scale, hn::Set(d, static_cast<float>(activations(r))));
    return hn::MulAdd(minima, a_sum, sum);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR
#endif  // per-target include guard
