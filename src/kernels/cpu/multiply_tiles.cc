// Products of many rows of activations with packed weights in bf16, on the tiles of AMX.
//
// All rows pass over a stage of weights before the next. While they do, the next stage is made and
// what the last products gave is written, a piece for each step: the tiles work on their own, and
// the vector units would wait. Two by two tiles of C are in registers during a stage and in scratch
// memory between stages. An output is rounded to f32 by the processor after each pair of products,
// in ascending order of k within a stage's tiles.
#include "kernels/cpu/targets_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/multiply_tiles.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/tile_instructions.h"
#include "kernels/cpu/tile_outputs-inl.h"
#include "kernels/cpu/weight_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_AVX3_DL
void fill_tiles(Table&) {}
#else
namespace {

HWY_INLINE void begin_sums(bool load, const float* c) {
  if (!load) {
    tile_zero<0>(), tile_zero<1>(), tile_zero<2>(), tile_zero<3>();
    return;
  }
  tile_load<0>(c, kTileRowBytes);
  tile_load<1>(c + kTileFloats, kTileRowBytes);
  tile_load<2>(c + 2 * kTileFloats, kTileRowBytes);
  tile_load<3>(c + 3 * kTileFloats, kTileRowBytes);
}

HWY_INLINE void store_sums(float* c) {
  tile_store<0>(c, kTileRowBytes);
  tile_store<1>(c + kTileFloats, kTileRowBytes);
  tile_store<2>(c + 2 * kTileFloats, kTileRowBytes);
  tile_store<3>(c + 3 * kTileFloats, kTileRowBytes);
}

// Two tiles of activations, the second 16 rows below the first.
struct RowTiles {
  const std::uint16_t* upper;
  const std::uint16_t* lower;
};

HWY_INLINE void multiply_step(const RowTiles& rows, const StageTiles& weights, std::size_t step) {
  tile_load<6>(weights[kPair * step], kTileRowBytes);
  tile_load<4>(rows.upper + step * kTileElements, kTileRowBytes);
  tile_load<7>(weights[kPair * step + 1], kTileRowBytes);
  tile_load<5>(rows.lower + step * kTileElements, kTileRowBytes);
  tile_add_bf16<0, 4, 6>();
  tile_add_bf16<1, 4, 7>();
  tile_add_bf16<2, 5, 6>();
  tile_add_bf16<3, 5, 7>();
}

// The steps of a stage for 32 rows; meanwhile the maker makes its part of the next stage, and the
// output writes its parts.
template <class K, class Output>
HWY_INLINE void multiply_steps(const RowTiles& rows, const StageTiles& weights, std::size_t steps,
                               StageMaker<K>& maker, Output& output) {
  static_assert(kOutputParts == kStageSteps && kBlockQuads == kStageSteps);
  const auto meanwhile = [&]<int kStep>() HWY_ATTR {
    maker.template make<kStep>();
    output.put(kStep);
  };
  const auto both = [&]<int kStep>() HWY_ATTR {
    if (kStep < steps) multiply_step(rows, weights, kStep);
    meanwhile.template operator()<kStep>();
  };
  both.template operator()<0>();
  both.template operator()<1>();
  both.template operator()<2>();
  both.template operator()<3>();
  both.template operator()<4>();
  both.template operator()<5>();
  both.template operator()<6>();
  both.template operator()<7>();
}

TileConfig whole_tiles() {
  TileConfig config;
  for (std::size_t tile = 0; tile < 8; ++tile) config.set(tile, kTileRows, kTileRowBytes);
  return config;
}

// Where all rows are in one block, tiles of sums and of activations have as many rows as there are:
// the tile unit takes a cycle for each. A tile has one at least.
TileConfig tiles_of(std::size_t rows) {
  TileConfig config = whole_tiles();
  if (rows > kTiledRowStep) return config;
  const std::size_t upper = std::min(rows, kTileRows);
  const std::size_t lower = std::max<std::size_t>(1, rows - upper);
  for (const std::size_t tile : {0, 1, 4}) config.set(tile, upper, kTileRowBytes);
  for (const std::size_t tile : {2, 3, 5}) config.set(tile, lower, kTileRowBytes);
  return config;
}

// scratch: kPairFloats for each 32 rows of each pair.
template <class K, class Output>
void multiply_stages(const TiledSpan& a, std::size_t rows, const PanelPairs& pairs, float* scratch,
                     Output output) {
  const TileSession session(tiles_of(rows));
  const Stages stages(a.k, pairs.count());
  const std::size_t row_blocks = (rows + kTiledRowStep - 1) / kTiledRowStep;
  alignas(64) StageTiles made[2];
  Stage stage = stages.first(), next = stages.after(stage);
  StageMaker<K> first(pairs, stage, next, made[0]);
  first.begin(0, 1);
  first.make_all();
  for (std::size_t which = 0; stage.steps > 0; which ^= 1) {
    const Stage following = stages.after(next);
    StageMaker<K> maker(pairs, next, following, made[which ^ 1]);
    const std::size_t chunk = stage.k0 / kTiledChunk * kTiledChunk;
    const std::size_t in_chunk = (stage.k0 - chunk) / kTileValues * kTileElements;
    for (std::size_t i = 0; i < row_blocks; ++i) {
      const std::size_t row = i * kTiledRowStep;
      float* c = scratch + (stage.pair * row_blocks + i) * kPairFloats;
      const RowTiles tiles = {a.tiles(row, chunk) + in_chunk,
                              a.tiles(row + kTileRows, chunk) + in_chunk};
      maker.begin(i, row_blocks);
      begin_sums(stage.k0 > 0, c);
      multiply_steps<K>(tiles, made[which], stage.steps, maker, output);
      store_sums(c);
      output.end();
      if (stages.ends_pair(stage)) output.begin(row, stage.pair, c);
    }
    stage = next;
    next = following;
  }
  for (std::size_t part = 0; part < kOutputParts; ++part) output.put(part);
  _mm_sfence();
}

void multiply_tiles(const TileBlock& block, const PackedPanels& weights, float* scratch) {
  const PanelPairs pairs(weights, (block.columns + kPackedLanes - 1) / kPackedLanes);
  with_any_kind(weights.format, [&](auto kind) HWY_ATTR {
    multiply_stages<decltype(kind)>(block.a, block.rows, pairs, scratch, MatrixOutput(block));
  });
}

void multiply_gated_tiles(const GatedTileBlock& block, const PackedPanels& gate,
                          const PackedPanels& up, float* scratch) {
  const PanelPairs pairs(gate, up, block.columns / kPackedLanes);
  with_any_kind(gate.format, [&](auto kind) HWY_ATTR {
    multiply_stages<decltype(kind)>(block.a, block.rows, pairs, scratch, GatedOutput(block));
  });
}

void tile_row(const float* x, std::size_t row, TiledBuffer& out) {
  const LanesTag d;
  for (std::size_t k0 = 0; k0 < out.k(); k0 += kTileValues)
    _mm512_store_si512(out.values(row, k0),
                       bf16_of(hn::LoadU(d, x + k0), hn::LoadU(d, x + k0 + kPackedLanes)));
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
  table.multiply_gated_tiles = multiply_gated_tiles;
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
