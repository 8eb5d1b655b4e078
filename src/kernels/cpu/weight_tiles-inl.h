// Packed weights as the bf16 tiles that AMX multiplies by, a stage at a time: 256 values along k of
// two panels, 16 KiB of L1. Included by sources for processors with AMX alone.
#if defined(LATHE_KERNELS_CPU_WEIGHT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_WEIGHT_TILES_INL_H_
#undef LATHE_KERNELS_CPU_WEIGHT_TILES_INL_H_
#else
#define LATHE_KERNELS_CPU_WEIGHT_TILES_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/bf16-inl.h"
#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/floats-inl.h"
#include "kernels/tiled_rows.h"

#if HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kStageValues = 256;  // along k
constexpr std::size_t kStageSteps = kStageValues / kTileValues;
constexpr std::size_t kPair = 2;  // panels of a stage
constexpr std::size_t kStageTiles = kStageSteps * kPair;

// [step][panel of the pair]
using StageTiles = std::uint16_t[kStageTiles][kTileElements];

// 1 + q / 2^kBits, where q are the kBits bits from bit kFrom on of each lane.
template <int kBits, int kFrom>
HWY_INLINE LanesVec one_and_fraction(__m512i lanes) {
  constexpr int kTo = 23 - kBits;  // the top of an f32's fraction
  constexpr int kFirstAndSecondOrThird = 0xEA;
  __m512i shifted = lanes;
  if constexpr (kFrom > kTo) shifted = _mm512_srli_epi32(lanes, kFrom - kTo);
  if constexpr (kFrom < kTo) shifted = _mm512_slli_epi32(lanes, kTo - kFrom);
  return LanesVec{_mm512_castsi512_ps(_mm512_ternarylogic_epi32(
      shifted, _mm512_set1_epi32(((1 << kBits) - 1) << kTo),
      _mm512_castps_si512(_mm512_set1_ps(1.0f)), kFirstAndSecondOrThird))};
}

// How an integer q of a block becomes its value d (q - zero) + m: 1 + q / 2^b, which bits can be
// put together to, times 2^b d, plus m - d (2^b + zero). Exact but for one rounding where there is
// no m, and for two where there is one.
template <class K>
struct ValueTerms {
  static constexpr int kBits = K::kBits == 4 ? 4 : 8;  // b: 4-bit integers are taken as they stand

  alignas(64) float factor[K::kParts][kPackedLanes];
  alignas(64) float rest[K::kParts][kPackedLanes];

  HWY_INLINE void read(BlockPlace place) {
    const LanesTag d;
    LATHE_UNROLL(2)
    for (std::size_t part = 0; part < K::kParts; ++part) {
      const auto scale = scale_of<K>(place, part, 0);
      auto more = hn::Mul(scale, hn::Set(d, -float{(1 << kBits) + K::kZero}));
      if constexpr (K::kMinimum) more = hn::Add(more, minimum_of<K>(place, part, 0));
      hn::Store(hn::Mul(scale, hn::Set(d, float{1 << kBits})), d, factor[part]);
      hn::Store(more, d, rest[part]);
    }
  }
};

// Quad kQuad of a block: its rows 2 * kQuad and 2 * kQuad + 1 of a tile.
template <class K, int kQuad>
HWY_INLINE void tile_quad(BlockPlace place, const ValueTerms<K>& terms, std::uint16_t* tile) {
  constexpr int kBits = ValueTerms<K>::kBits;
  constexpr int kHalf = kBlockQuads / 2;
  constexpr int kFirst = K::kBits == 4 ? kQuad / kHalf * 4 : 0;  // bit of a lane
  constexpr std::size_t kPart = kQuad / K::kQuads;
  const LanesTag d;
  const std::uint8_t* integers = integers_of<K>(place);
  __m512i quad;
  if constexpr (K::kBits == 4) {
    quad = _mm512_loadu_si512(integers + kQuad % kHalf * kQuadBytes);
  } else {
    quad = quad_of<K::kBits, kQuad>(integers).raw;
  }
  const auto factor = hn::Load(d, terms.factor[kPart]), rest = hn::Load(d, terms.rest[kPart]);
  const auto value = [factor, rest](LanesVec x) HWY_ATTR { return hn::MulAdd(factor, x, rest); };
  std::uint16_t* rows = tile + 2 * kQuad * kTileValues;
  _mm512_store_si512(rows, interleaved_bf16_of(value(one_and_fraction<kBits, kFirst>(quad)),
                                               value(one_and_fraction<kBits, kFirst + 8>(quad))));
  _mm512_store_si512(rows + kTileValues,
                     interleaved_bf16_of(value(one_and_fraction<kBits, kFirst + 16>(quad)),
                                         value(one_and_fraction<kBits, kFirst + 24>(quad))));
}

// Floats have no scales: nothing is made ready.
template <FloatKindLike K>
struct ValueTerms<K> {
  HWY_INLINE void read(BlockPlace) {}
};

// Four values along k of a block of floats, rounded to bf16 where they are not.
template <FloatKindLike K, int kQuad>
HWY_INLINE void tile_quad(BlockPlace place, const ValueTerms<K>&, std::uint16_t* tile) {
  LATHE_UNROLL(2)
  for (std::size_t row = 2 * kQuad; row < 2 * kQuad + 2; ++row) {
    std::uint16_t* to = tile + row * kTileValues;
    if constexpr (K::kForm == ScaleForm::bf16) {
      const std::byte* from = place.block + packed_float_place(K::kForm, 0, 2 * row);
      _mm512_store_si512(to, _mm512_loadu_si512(from));
    } else {
      const Pair pair = K::pair_at(place.block, 2 * row, 0);
      _mm512_store_si512(to, interleaved_bf16_of(pair.even, pair.odd));
    }
  }
}

// Calls body(kind) for the kind of any format.
template <class Body>
HWY_INLINE void with_any_kind(PackedFormat format, const Body& body) {
  if (has_floats(format.form)) return with_float_kind(format.form, body);
  with_kind(format, body);
}

// Panels by twos: those of one matrix side by side, or one of each of two matrices.
class PanelPairs {
 public:
  PanelPairs(const PackedPanels& weights, std::size_t panels)
      : panels_(panels),
        bytes_(packed_panel_bytes(weights.format, weights.k)),
        sides_{weights.data, weights.data + bytes_},
        step_(kPair * bytes_) {}
  // REQUIRES: the same format and k.
  PanelPairs(const PackedPanels& left, const PackedPanels& right, std::size_t panels)
      : panels_(kPair * panels),
        bytes_(packed_panel_bytes(left.format, left.k)),
        sides_{left.data, right.data},
        step_(bytes_) {}

  std::size_t count() const { return (panels_ + 1) / kPair; }
  // The second panel of the last pair may be missing: it is the first then.
  const std::byte* panel(std::size_t pair, std::size_t side) const {
    if (kPair * pair + side >= panels_) side = 0;
    return sides_[side] + pair * step_;
  }

 private:
  std::size_t panels_, bytes_;
  const std::byte* sides_[kPair];
  std::size_t step_;
};

// What is multiplied at once: values [k0, k0 + steps * 32) of two panels.
struct Stage {
  std::size_t k0 = 0;
  std::size_t pair = 0;
  std::size_t steps = 0;  // 0: there is none
};

// The stages of a product: chunk by chunk along k, in a chunk pair by pair, so that the chunk's
// activations stay in L2.
class Stages {
 public:
  Stages(std::size_t k, std::size_t pairs) : k_(k), pairs_(pairs) {}

  Stage first() const { return with_steps(0, 0); }
  Stage after(const Stage& stage) const {
    const std::size_t k0 = stage.k0 + kStageValues;
    const std::size_t chunk = stage.k0 / kTiledChunk * kTiledChunk;
    if (k0 < std::min(k_, chunk + kTiledChunk)) return with_steps(k0, stage.pair);
    if (stage.pair + 1 < pairs_) return with_steps(chunk, stage.pair + 1);
    return with_steps(chunk + kTiledChunk, 0);
  }
  // Whether it is the last of its pair.
  bool ends_pair(const Stage& stage) const { return stage.k0 + kStageValues >= k_; }

 private:
  Stage with_steps(std::size_t k0, std::size_t pair) const {
    if (k0 >= k_ || pair >= pairs_) return {};
    return {k0, pair, std::min(kStageSteps, (k_ - k0) / kTileValues)};
  }
  std::size_t k_, pairs_;
};

// Makes a stage's tiles piece by piece, between the products of the stage before it, and asks for
// the bytes of the stage that follows.
template <class K>
class StageMaker {
 public:
  StageMaker(const PanelPairs& pairs, const Stage& stage, const Stage& following, StageTiles& out)
      : tiles_(stage.steps * kPair), out_(out) {
    for (std::size_t side = 0; side < kPair; ++side) {
      panels_[side] = pairs.panel(stage.pair, side);
      following_[side] = pairs.panel(following.pair, side);
    }
    block_ = stage.k0 / kPackedBlock;
    following_block_ = following.k0 / kPackedBlock;
  }

  // Goes on to the next of `shares` equal parts of the tiles.
  HWY_INLINE void begin(std::size_t share, std::size_t shares) {
    first_ = share * tiles_ / shares;
    last_ = (share + 1) * tiles_ / shares;
    for (std::size_t i = first_; i < last_; ++i) terms_[i].read(place(i));
  }
  // Makes a quad of each tile of the part.
  template <int kQuad>
  HWY_INLINE void make() {
    for (std::size_t i = first_; i < last_; ++i) {
      ask_for<kQuad>(following_[i % kPair] + K::block_at(following_block_ + i / kPair));
      tile_quad<K, kQuad>(place(i), terms_[i], out_[i]);
    }
  }
  HWY_INLINE void make_all() {
    make<0>(), make<1>(), make<2>(), make<3>(), make<4>(), make<5>(), make<6>(), make<7>();
  }

 private:
  static constexpr std::size_t kLine = 64;

  // Every eighth line of a block. Floats go to L2: in L1 they would drive out this stage's tiles.
  template <int kQuad>
  static HWY_INLINE void ask_for(const std::byte* block) {
    if constexpr (FloatKindLike<K>) {
      for (std::size_t at = kQuad * kLine; at < K::kBlockBytes; at += kBlockQuads * kLine)
        __builtin_prefetch(block + at, 0, 2);
    } else if constexpr (kQuad * kLine < K::kBlockBytes) {
      hwy::Prefetch(block + kQuad * kLine);
    }
  }
  HWY_INLINE BlockPlace place(std::size_t tile) const {
    return place_of<K>(panels_[tile % kPair], block_ + tile / kPair);
  }

  const std::byte* panels_[kPair];
  const std::byte* following_[kPair];
  std::size_t block_, following_block_, tiles_;
  StageTiles& out_;
  std::size_t first_ = 0, last_ = 0;
  ValueTerms<K> terms_[kStageTiles];
};

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // HWY_AVX3_DL
#endif  // per-target include guard
