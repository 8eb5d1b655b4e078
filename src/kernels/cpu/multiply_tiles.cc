// Products of many rows of activations with packed weights in bf16, on the tiles of AMX.
//
// Weights become bf16 tiles a stage at a time: 256 values along k of 32 columns, 16 KiB of L1, that
// all rows pass over before the next stage. While they do, the next stage is made, a piece for each
// block of rows: the tiles work on their own, and the vector units would wait. Two by two tiles of
// C are in registers during a stage and in scratch memory between stages. An output is rounded to
// f32 by the processor after each pair of products, in ascending order of k within a stage's tiles.
#include <algorithm>

#include "kernels/cpu/targets_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_tiles.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/expand-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/tile_instructions.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_AVX3_DL
void fill_tiles(Table&) {}
#else
namespace {

constexpr std::size_t kTileElements = kTileRows * kTileValues;  // of bf16
constexpr std::size_t kTileFloats = kTileRows * kPackedLanes;   // of C
constexpr std::size_t kTileStride = 64;                         // bytes of a row
constexpr std::size_t kStageValues = 256;                       // along k
constexpr std::size_t kStageSteps = kStageValues / kTileValues;
constexpr std::size_t kPair = 2;  // panels of a stage

using Weights = std::uint16_t[kStageSteps * kPair][kTileElements];

// Two vectors of f32 as bf16, those of `even` in the lower halves of 32 bits.
HWY_INLINE __m512i interleaved_bf16(LanesVec even, LanesVec odd) {
  __m512i both;  // the even ones, then the odd ones
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(even.raw), "v"(odd.raw));
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, both);
}

// Value kIndex of a quad in each lane: scale * (integer - zero) + minimum.
template <class K, int kIndex>
HWY_INLINE LanesVec value_of(__m512i quad, LanesVec scale, LanesVec minimum) {
  const LanesTag d;
  // An integer below 2^23 in the low bits of 2^23 is that number, 2^23 added.
  constexpr float kShift = 8388608.0f;
  const __m512i shifted = kIndex == 0 ? quad : _mm512_srli_epi32(quad, 8 * kIndex);
  constexpr int kFirstAndSecondOrThird = 0xEA;
  const __m512i placed = _mm512_ternarylogic_epi32(shifted, _mm512_set1_epi32(255),
                                                   _mm512_castps_si512(_mm512_set1_ps(kShift)),
                                                   kFirstAndSecondOrThird);
  const auto integer =
      hn::Sub(LanesVec{_mm512_castsi512_ps(placed)}, hn::Set(d, kShift + K::kZero));
  const auto value = hn::Mul(scale, integer);
  return K::kMinimum ? hn::Add(value, minimum) : value;
}

// A block of a panel as a tile.
template <class K>
HWY_INLINE void tile_of_block(const std::byte* panel, std::size_t index, std::uint16_t* tile) {
  const BlockPlace place = place_of<K>(panel, index);
  const std::uint8_t* integers = integers_of<K>(place);
  LATHE_UNROLL(2)
  for (std::size_t part = 0; part < K::kParts; ++part) {
    const auto scale = scale_of<K>(place, part, 0);
    auto minimum = scale;
    if constexpr (K::kMinimum) minimum = minimum_of<K>(place, part, 0);
    LATHE_UNROLL(8)
    for (std::size_t j = part * K::kQuads; j < (part + 1) * K::kQuads; ++j) {
      const __m512i quad = quad_of<K::kBits>(integers, j).raw;
      _mm512_store_si512(tile + (2 * j) * kTileValues,
                         interleaved_bf16(value_of<K, 0>(quad, scale, minimum),
                                          value_of<K, 1>(quad, scale, minimum)));
      _mm512_store_si512(tile + (2 * j + 1) * kTileValues,
                         interleaved_bf16(value_of<K, 2>(quad, scale, minimum),
                                          value_of<K, 3>(quad, scale, minimum)));
    }
  }
}

// What is multiplied at once: values [k0, k0 + steps * 32) of two panels.
struct Stage {
  std::size_t k0 = 0;
  std::size_t pair = 0;
  std::size_t steps = 0;
};

// The stages of a product: chunk by chunk along k, in a chunk pair by pair, so that the chunk's
// activations stay in L2.
class Stages {
 public:
  Stages(std::size_t k, std::size_t pairs) : k_(k), pairs_(pairs) {}

  Stage first() const { return with_steps(0, 0); }
  // REQUIRES: there is one.
  Stage after(const Stage& stage) const {
    const std::size_t k0 = stage.k0 + kStageValues;
    const std::size_t chunk = stage.k0 / kTiledChunk * kTiledChunk;
    if (k0 < std::min(k_, chunk + kTiledChunk)) return with_steps(k0, stage.pair);
    if (stage.pair + 1 < pairs_) return with_steps(chunk, stage.pair + 1);
    return with_steps(chunk + kTiledChunk, 0);
  }
  // Whether it is the last of its pair, and the last of all.
  bool ends_pair(const Stage& stage) const { return stage.k0 + kStageValues >= k_; }
  bool is_last(const Stage& stage) const { return ends_pair(stage) && stage.pair + 1 == pairs_; }

 private:
  Stage with_steps(std::size_t k0, std::size_t pair) const {
    return {k0, pair, std::min(kStageSteps, (k_ - k0) / kTileValues)};
  }
  std::size_t k_, pairs_;
};

// Makes a stage's weights piece by piece.
template <class K>
class StageMaker {
 public:
  StageMaker(const PackedPanels& weights, std::size_t panels, const Stage& stage, Weights& out)
      : weights_(weights), panels_(panels), stage_(stage), out_(out) {}

  // Up to `share` of `shares` equal parts.
  HWY_INLINE void make(std::size_t share, std::size_t shares) {
    const std::size_t all = stage_.steps * kPair;
    for (; done_ * shares < share * all; ++done_) {
      const std::size_t panel = kPair * stage_.pair + done_ % kPair;
      if (panel >= panels_) continue;  // its columns of C are not used
      tile_of_block<K>(weights_.panel(panel), stage_.k0 / kPackedBlock + done_ / kPair,
                       out_[done_]);
    }
  }

 private:
  const PackedPanels& weights_;
  std::size_t panels_;
  Stage stage_;
  Weights& out_;
  std::size_t done_ = 0;
};

// C[32, 32] (+)= two rows of tiles times a stage; c: four tiles, row by row.
HWY_INLINE void multiply_stage(const std::uint16_t* upper, const std::uint16_t* lower,
                               const Weights& weights, std::size_t steps, bool load_c, float* c) {
  if (load_c) {
    tile_load<0>(c, kTileStride);
    tile_load<1>(c + kTileFloats, kTileStride);
    tile_load<2>(c + 2 * kTileFloats, kTileStride);
    tile_load<3>(c + 3 * kTileFloats, kTileStride);
  } else {
    tile_zero<0>();
    tile_zero<1>();
    tile_zero<2>();
    tile_zero<3>();
  }
  for (std::size_t step = 0; step < steps; ++step) {
    tile_load<6>(weights[kPair * step], kTileStride);
    tile_load<4>(upper + step * kTileElements, kTileStride);
    tile_load<7>(weights[kPair * step + 1], kTileStride);
    tile_load<5>(lower + step * kTileElements, kTileStride);
    tile_add_bf16<0, 4, 6>();
    tile_add_bf16<1, 4, 7>();
    tile_add_bf16<2, 5, 6>();
    tile_add_bf16<3, 5, 7>();
  }
  tile_store<0>(c, kTileStride);
  tile_store<1>(c + kTileFloats, kTileStride);
  tile_store<2>(c + 2 * kTileFloats, kTileStride);
  tile_store<3>(c + 3 * kTileFloats, kTileStride);
}

// Four tiles of C to their place, as far as it reaches.
void put_tiles(const TileBlock& block, std::size_t row, std::size_t column, const float* tiles) {
  const std::size_t rows = std::min(kTiledRowStep, block.rows - row);
  const std::size_t columns = std::min(kPair * kPackedLanes, block.columns - column);
  const auto mask = [columns](std::size_t from) {
    return static_cast<__mmask16>(columns >= from + 16 ? 0xffff
                                  : columns <= from    ? 0
                                                       : (1u << (columns - from)) - 1);
  };
  // A product of many rows does not stay in the caches until it is read: written past them, its
  // lines are not read first.
  const bool whole = !block.accumulate && columns == kPair * kPackedLanes;
  const __mmask16 left = mask(0), right = mask(kPackedLanes);
  for (std::size_t r = 0; r < rows; ++r) {
    const float* from = tiles + r / kTileRows * kPair * kTileFloats + r % kTileRows * kPackedLanes;
    float* to = block.c + (row + r) * block.c_stride + column;
    __m512 a = _mm512_load_ps(from), b = _mm512_load_ps(from + kTileFloats);
    if (whole && reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
      _mm512_stream_ps(to, a);
      _mm512_stream_ps(to + kPackedLanes, b);
      continue;
    }
    if (block.accumulate) {
      a = _mm512_add_ps(a, _mm512_maskz_loadu_ps(left, to));
      b = _mm512_add_ps(b, _mm512_maskz_loadu_ps(right, to + kPackedLanes));
    }
    _mm512_mask_storeu_ps(to, left, a);
    _mm512_mask_storeu_ps(to + kPackedLanes, right, b);
  }
}

TileConfig whole_tiles() {
  TileConfig config;
  for (std::size_t tile = 0; tile < 8; ++tile) config.set(tile, kTileRows, kTileStride);
  return config;
}

template <class K>
void multiply_stages(const TileBlock& block, const PackedPanels& weights, float* scratch) {
  const TileSession session(whole_tiles());
  const std::size_t panels = (block.columns + kPackedLanes - 1) / kPackedLanes;
  const Stages stages(block.a.k, (panels + 1) / kPair);
  const std::size_t row_blocks = (block.rows + kTiledRowStep - 1) / kTiledRowStep;
  alignas(64) Weights made[2];
  Stage stage = stages.first();
  StageMaker<K>(weights, panels, stage, made[0]).make(1, 1);
  for (std::size_t which = 0;; which ^= 1) {
    const bool last = stages.is_last(stage);
    const Stage next = last ? Stage() : stages.after(stage);
    StageMaker<K> maker(weights, panels, next, made[which ^ 1]);
    const std::size_t chunk = stage.k0 / kTiledChunk * kTiledChunk;
    const std::size_t in_chunk = (stage.k0 - chunk) / kTileValues * kTileElements;
    for (std::size_t i = 0; i < row_blocks; ++i) {
      const std::size_t row = i * kTiledRowStep;
      float* c = scratch + (stage.pair * row_blocks + i) * 4 * kTileFloats;
      multiply_stage(block.a.tiles(row, chunk) + in_chunk,
                     block.a.tiles(row + kTileRows, chunk) + in_chunk, made[which], stage.steps,
                     stage.k0 > 0, c);
      maker.make(i + 1, row_blocks);
      if (stages.ends_pair(stage)) put_tiles(block, row, stage.pair * kPair * kPackedLanes, c);
    }
    if (last) break;
    stage = next;
  }
  _mm_sfence();
}

void multiply_tiles(const TileBlock& block, const PackedPanels& weights, float* scratch) {
  with_kind(weights.format,
            [&](auto kind) HWY_ATTR { multiply_stages<decltype(kind)>(block, weights, scratch); });
}

void round_to_bf16(const float* x, std::uint16_t* out) {
  __m512i both;
  const __m512 first = _mm512_loadu_ps(x), second = _mm512_loadu_ps(x + 16);
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(first), "v"(second));
  _mm512_store_si512(out, both);
}

void tile_row(const float* x, std::size_t row, TiledBuffer& out) {
  for (std::size_t k0 = 0; k0 < out.k(); k0 += kTileValues)
    round_to_bf16(x + k0, out.values(row, k0));
}

// kernels/limits.h: four products at a time, on tiles of zeros.
std::size_t bf16_ops(std::size_t rounds) {
  const TileSession session(whole_tiles());
  tile_zero<4>();
  tile_zero<5>();
  for (std::size_t i = 0; i < rounds; i += 4) {
    tile_add_bf16<0, 4, 5>();
    tile_add_bf16<1, 4, 5>();
    tile_add_bf16<2, 4, 5>();
    tile_add_bf16<3, 4, 5>();
  }
  return rounds / 4 * 4 * kTileRows * kPackedLanes * kTileValues * 2;
}

}  // namespace

void fill_tiles(Table& table) {
  table.tile_row = tile_row;
  table.multiply_tiles = multiply_tiles;
  table.limits.bf16_ops = bf16_ops;
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_tiles);
void fill_tiles(Table& table) { HWY_DYNAMIC_DISPATCH(fill_tiles)(table); }

}  // namespace lathe::kernels::cpu
#endif
