// The softmax between the two products of attention_tiles.cc: 16 rows of scores become weights in
// bf16, as tiles. For processors with AMX only; included after hwy/highway.h.
#if defined(LATHE_KERNELS_CPU_ATTENTION_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_ATTENTION_WEIGHTS_INL_H_
#undef LATHE_KERNELS_CPU_ATTENTION_WEIGHTS_INL_H_
#else
#define LATHE_KERNELS_CPU_ATTENTION_WEIGHTS_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/attend_block.h"
#include "kernels/cpu/bf16-inl.h"
#include "kernels/cpu/rows-inl.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_AVX3_DL
namespace {

constexpr float kNothingSeen = -1e30f;  // the greatest score so far of a row that has seen no key

// 2^x for x <= 0, to 2^-13 of it: bf16 keeps 2^-9. From -126 on down it is 2^-126.
HWY_INLINE V exp2_of(V x) {
  const D d;
  // Added to a number below 2^22 and taken off again, it leaves the nearest integer, which its low
  // bits are in between.
  const V magic = hn::Set(d, 12582912.0f);
  const V bounded = hn::Max(x, hn::Set(d, -126.0f));
  const V shifted = hn::Add(bounded, magic);
  const V r = hn::Sub(bounded, hn::Sub(shifted, magic));  // in [-1/2, 1/2]
  V p = hn::MulAdd(r, hn::Set(d, 0.05500893f), hn::Set(d, 0.24221096f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.69328293f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

// An item with the first `key_tiles` (an even number) tiles of the keys from k0 on, whose scores
// and weights are in one of the two buffers.
struct ItemKeys {
  std::size_t item, first_row, k0, key_tiles, buffer;
};

// `count` rows of the block from `row` on, a half of an item's.
struct TileRows {
  ItemKeys keys;
  std::size_t half, row, count;
};

// Lanes of the keys that a row sees: [first, end).
struct SeenKeys {
  std::size_t first = 0, end = 0;

  bool all(std::size_t tiles) const { return first == 0 && end >= 16 * tiles; }
  __mmask16 mask(std::size_t tile) const {
    const auto below = [tile](std::size_t limit) -> unsigned {
      return limit >= 16 * tile + 16 ? 0xffff
             : limit <= 16 * tile    ? 0
                                     : (1u << (limit - 16 * tile)) - 1;
    };
    return static_cast<__mmask16>(below(end) & ~below(first));
  }
};

HWY_INLINE SeenKeys seen_keys(const AttendBlock& block, const TileRows& rows, std::size_t r) {
  const std::size_t position = block.position + rows.row + r;
  const std::size_t first = block.first_seen(position);
  const auto from_k0 = [&](std::size_t t) { return t > rows.keys.k0 ? t - rows.keys.k0 : 0; };
  return {HWY_MIN(from_k0(first), AttendScratch::kKeys), from_k0(position + 1)};
}

// The greatest lane of each of 16 vectors.
HWY_INLINE V largest_of_each(const V (&rows)[16]) {
  __m512 a[8], b[4], c[2];
  LATHE_UNROLL(8)
  for (std::size_t i = 0; i < 8; ++i)
    a[i] = _mm512_max_ps(_mm512_shuffle_f32x4(rows[i].raw, rows[i + 8].raw, 0x44),
                         _mm512_shuffle_f32x4(rows[i].raw, rows[i + 8].raw, 0xee));
  LATHE_UNROLL(4)
  for (std::size_t i = 0; i < 4; ++i)
    b[i] = _mm512_max_ps(_mm512_shuffle_f32x4(a[i], a[i + 4], 0x88),
                         _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd));
  LATHE_UNROLL(2)
  for (std::size_t i = 0; i < 2; ++i) {
    const __m512d x = _mm512_castps_pd(b[i]), y = _mm512_castps_pd(b[i + 2]);
    c[i] = _mm512_max_ps(_mm512_castpd_ps(_mm512_shuffle_pd(x, y, 0x00)),
                         _mm512_castpd_ps(_mm512_shuffle_pd(x, y, 0xff)));
  }
  const __m512 mixed =
      _mm512_max_ps(_mm512_shuffle_ps(c[0], c[1], 0x88), _mm512_shuffle_ps(c[0], c[1], 0xdd));
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return V{_mm512_permutexvar_ps(order, mixed)};
}

// Scores of a row that need more than a factor: biases and caps, in place.
void change_scores(const AttendBlock& block, const AttendScratch& scratch, const TileRows& rows,
                   std::size_t r, float* scores) {
  const std::size_t head = rows.keys.item / scratch.pairs();
  const SeenKeys seen = seen_keys(block, rows, r);
  for (std::size_t t = 0; t < rows.keys.key_tiles; ++t, scores += kTileFloats) {
    const std::size_t first = 16 * t;
    if (block.bias != nullptr && first < seen.end)
      add_scaled(block.bias + head * block.bias_stride + rows.keys.k0 + first, 1,
                 HWY_MIN(std::size_t{16}, seen.end - first), scores);
    if (block.softcap > 0) soft_cap(scores, block.scale, block.softcap, 16);
  }
}

// The greatest score of a row, lane by lane. kTiles: as a constant where all keys are seen.
template <std::size_t kTiles>
HWY_INLINE V greatest_of_row(const float* scores, std::size_t tiles, const SeenKeys& seen) {
  const V none = hn::Neg(hn::Inf(D()));
  V greatest = none;
  LATHE_UNROLL(8)
  for (std::size_t t = 0; t < (kTiles > 0 ? kTiles : tiles); ++t) {
    const V score = hn::Load(D(), scores + t * kTileFloats);
    greatest = hn::Max(
        greatest, kTiles > 0 ? score : V{_mm512_mask_mov_ps(none.raw, seen.mask(t), score.raw)});
  }
  return greatest;
}

// weights = 2^(factor * scores + shift), zeros for what is not seen; returns their sum, lane by
// lane.
template <std::size_t kTiles>
HWY_INLINE V weigh_row(const float* scores, std::size_t tiles, const SeenKeys& seen, V factor,
                       V shift, std::uint16_t* weights) {
  V sum = hn::Zero(D());
  LATHE_UNROLL(4)
  for (std::size_t t = 0; t < (kTiles > 0 ? kTiles : tiles); t += 2) {
    V e[2];
    LATHE_UNROLL(2)
    for (std::size_t i = 0; i < 2; ++i) {
      e[i] = exp2_of(hn::MulAdd(hn::Load(D(), scores + (t + i) * kTileFloats), factor, shift));
      if (kTiles == 0) e[i] = V{_mm512_maskz_mov_ps(seen.mask(t + i), e[i].raw)};
      sum = hn::Add(sum, e[i]);
    }
    _mm512_store_si512(weights + t / 2 * kTileElements, bf16_of(e[0], e[1]));
  }
  return sum;
}

// What the rows have so far, times factors, by how far it is below the new greatest scores.
HWY_INLINE void scale_down(const AttendScratch& scratch, const TileRows& rows, V factors) {
  const D d;
  if (hn::AllTrue(d, hn::Eq(factors, hn::Set(d, 1.0f)))) return;
  HWY_ALIGN float factor[16];
  hn::Store(factors, d, factor);
  const std::size_t columns = 2 * scratch.steps();
  float* out = scratch.out(rows.keys.item) + rows.half * columns * kTileFloats;
  float* sums = scratch.sums(rows.keys.item) + rows.half * kTileFloats;
  for (std::size_t r = 0; r < 16; ++r) {
    const V f = hn::Set(d, factor[r]);
    hn::Store(hn::Mul(hn::Load(d, sums + 16 * r), f), d, sums + 16 * r);
    for (std::size_t c = 0; c < columns; ++c) {
      float* at = out + c * kTileFloats + 16 * r;
      hn::Store(hn::Mul(hn::Load(d, at), f), d, at);
    }
  }
}

// work.step() is called now and then: products of tiles, which run beside the vector units.
template <class Work>
HWY_INLINE void weigh_tile_rows(const AttendBlock& block, const AttendScratch& scratch,
                                const TileRows& rows, Work& work) {
  const D d;
  constexpr std::size_t kAll = AttendScratch::kKeyTiles;
  constexpr float kLog2e = 1.44269504f;
  float* scores = scratch.scores(rows.keys.buffer) + rows.half * kAll * kTileFloats;
  const bool changed = block.bias != nullptr || block.softcap > 0;
  const V factor = hn::Set(d, block.softcap > 0 ? kLog2e : kLog2e * block.scale);
  V greatest[16];
  SeenKeys seen[16];
  for (std::size_t r = rows.count; r < 16; ++r) greatest[r] = hn::Zero(d);
  for (std::size_t r = 0; r < rows.count; ++r) {
    seen[r] = seen_keys(block, rows, r);
    if (changed) change_scores(block, scratch, rows, r, scores + 16 * r);
    greatest[r] = rows.keys.key_tiles == kAll && seen[r].all(kAll)
                      ? greatest_of_row<kAll>(scores + 16 * r, kAll, seen[r])
                      : greatest_of_row<0>(scores + 16 * r, rows.keys.key_tiles, seen[r]);
  }
  float* kept = scratch.largest(rows.keys.item) + 16 * rows.half;
  const V before = hn::Load(d, kept);
  // Scaled scores, but for what was not seen.
  const V now = hn::Max(before, hn::Mul(largest_of_each(greatest), factor));
  hn::Store(now, d, kept);
  scale_down(scratch, rows, exp2_of(hn::Sub(before, now)));
  float* sums = scratch.sums(rows.keys.item) + rows.half * kTileFloats;
  std::uint16_t* weights =
      scratch.weights(rows.keys.buffer) + rows.half * AttendScratch::kKeySteps * kTileElements;
  for (std::size_t r = 0; r < rows.count; ++r) {
    if (r % 4 == 0) work.step();
    const V shift = hn::Set(d, -kept[r]);
    const V sum =
        rows.keys.key_tiles == kAll && seen[r].all(kAll)
            ? weigh_row<kAll>(scores + 16 * r, kAll, seen[r], factor, shift, weights + 32 * r)
            : weigh_row<0>(scores + 16 * r, rows.keys.key_tiles, seen[r], factor, shift,
                           weights + 32 * r);
    hn::Store(hn::Add(hn::Load(d, sums + 16 * r), sum), d, sums + 16 * r);
  }
}

}  // namespace
#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // LATHE_KERNELS_CPU_ATTENTION_WEIGHTS_INL_H_
