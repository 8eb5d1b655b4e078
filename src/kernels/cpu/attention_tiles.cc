// Attention of a block of a prompt on the tiles of AMX (Dao et al. 2022): 128 keys at a time become
// bf16 tiles, all items of the block pass over them, and what an item has so far is scaled down
// when a greater score comes. A position's sums are taken key block by key block from whole
// multiples of 128 on, lane by lane, so that they do not depend on which rows stand beside it; what
// it does not see weighs exactly nothing.
#include <algorithm>

#include "kernels/cpu/targets_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_tiles.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/attention_weights-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/kv_tiles-inl.h"
#include "kernels/cpu/tile_instructions.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_AVX3_DL
void fill_attention_tiles(Table&) {}
#else
namespace {

constexpr std::size_t kKeys = AttendScratch::kKeys;
constexpr std::size_t kItemRows = AttendScratch::kRows;

TileConfig attention_tiles() {
  TileConfig config;
  for (std::size_t tile = 0; tile < 8; ++tile) config.set(tile, 16, kTileRowBytes);
  return config;
}

// Queries of all items, rounded; rows past the last are zeros.
void round_queries(const AttendBlock& block, const AttendScratch& scratch) {
  const std::size_t steps = scratch.steps();
  for (std::size_t item = 0; item < scratch.items(); ++item) {
    const std::size_t head = item / scratch.pairs(), first = item % scratch.pairs() * kItemRows;
    std::uint16_t* tiles = scratch.query(item);
    for (std::size_t r = 0; r < kItemRows; ++r) {
      const float* x = block.query + (first + r) * block.stride + head * block.head_dim;
      for (std::size_t step = 0; step < steps; ++step) {
        const auto part = [&](std::size_t i) HWY_ATTR {
          const bool there = first + r < block.rows && i < block.head_dim;
          return there ? load(x + i, HWY_MIN(std::size_t{16}, block.head_dim - i)) : hn::Zero(D());
        };
        std::uint16_t* to = tiles + (r / 16 * steps + step) * kTileElements + r % 16 * kTileValues;
        _mm512_store_si512(to, bf16_of(part(kTileValues * step), part(kTileValues * step + 16)));
      }
    }
  }
}

// Keys [k0, k0 + 128) as tiles [8][steps]; those past the block's end are zeros.
template <class S>
void round_keys(const AttendBlock& block, std::size_t k0, const AttendScratch& scratch) {
  std::uint16_t* to = scratch.keys();
  for (std::size_t t = k0 / kKvTile; t < (k0 + kKeys) / kKvTile; ++t) {
    const bool there = t * kKvTile < block.end();
    const std::byte* tile = there ? block.keys.tile(t) : nullptr;
    const std::size_t dim = there ? block.head_dim : 0;
    const V scale = S::kScaled && there ? hn::LoadU(D(), scales_of(tile)) : hn::Zero(D());
    const auto row = [&](std::size_t i) HWY_ATTR {
      if (i >= dim) return hn::Zero(D());
      const V key = S::load(values_of<S>(tile) + i * kKvTile);
      return S::kScaled ? hn::Mul(key, scale) : key;
    };
    for (std::size_t i = 0; i < kTileValues * scratch.steps(); i += 2, to += kTileValues)
      _mm512_store_si512(to, interleaved_bf16_of(row(i), row(i + 1)));
  }
}

// Values of one position; none where it is past the end of the block.
template <class S>
struct PositionValues {
  const typename S::Value* data = nullptr;
  std::size_t count = 0;
  float scale = 1;

  PositionValues(const AttendBlock& block, std::size_t position) {
    if (position >= block.end()) return;
    const std::byte* tile = block.values.tile(position / kKvTile);
    const std::size_t lane = position % kKvTile;
    count = block.head_dim;
    data = values_of<S>(tile) + lane * count;
    if (S::kScaled) scale = scales_of(tile)[lane];
  }
  HWY_INLINE V vector(std::size_t i) const {
    if (i >= count) return hn::Zero(D());
    const V v = load_values<S>(data + i, HWY_MIN(std::size_t{16}, count - i));
    return S::kScaled ? hn::Mul(v, hn::Set(D(), scale)) : v;
  }
};

// Values of the same as tiles [4][2 steps]. What stands past the end may be anything: zeros in its
// place, since a weight of zero would not undo what is no number.
template <class S>
void round_values(const AttendBlock& block, std::size_t k0, const AttendScratch& scratch) {
  const std::size_t columns = 2 * scratch.steps();
  for (std::size_t t = 0; t < kKeys; t += 2) {
    const PositionValues<S> even(block, k0 + t), odd(block, k0 + t + 1);
    std::uint16_t* to = scratch.values() + t / kTileValues * columns * kTileElements +
                        t % kTileValues / 2 * kTileValues;
    for (std::size_t c = 0; c < columns; ++c)
      _mm512_store_si512(to + c * kTileElements,
                         interleaved_bf16_of(even.vector(16 * c), odd.vector(16 * c)));
  }
}

// Scores of an item with two tiles of keys, t and t + 1.
HWY_INLINE void score_pair(const AttendScratch& scratch, const ItemKeys& keys, std::size_t t) {
  const std::size_t all = scratch.steps() * kTileElements;
  const std::uint16_t* upper = scratch.query(keys.item);
  const std::uint16_t* lower = upper + all;
  const std::uint16_t* left = scratch.keys() + t * all;
  const std::uint16_t* right = left + all;
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
  for (std::size_t at = 0; at < all; at += kTileElements) {
    tile_load<4>(upper + at, kTileRowBytes);
    tile_load<6>(left + at, kTileRowBytes);
    tile_load<7>(right + at, kTileRowBytes);
    tile_load<5>(lower + at, kTileRowBytes);
    tile_add_bf16<0, 4, 6>();
    tile_add_bf16<1, 4, 7>();
    tile_add_bf16<2, 5, 6>();
    tile_add_bf16<3, 5, 7>();
  }
  float* first = scratch.scores(keys.buffer) + t * kTileFloats;
  float* second = first + AttendScratch::kKeyTiles * kTileFloats;
  tile_store<0>(first, kTileRowBytes);
  tile_store<1>(first + kTileFloats, kTileRowBytes);
  tile_store<2>(second, kTileRowBytes);
  tile_store<3>(second + kTileFloats, kTileRowBytes);
}

// Adds weights times values to two columns of tiles of an item's sums.
HWY_INLINE void mix_pair(const AttendScratch& scratch, const ItemKeys& keys, std::size_t column) {
  const std::size_t columns = 2 * scratch.steps();
  const std::uint16_t* upper = scratch.weights(keys.buffer);
  const std::uint16_t* lower = upper + AttendScratch::kKeySteps * kTileElements;
  float* first = scratch.out(keys.item) + column * kTileFloats;
  float* second = first + columns * kTileFloats;
  tile_load<0>(first, kTileRowBytes);
  tile_load<1>(first + kTileFloats, kTileRowBytes);
  tile_load<2>(second, kTileRowBytes);
  tile_load<3>(second + kTileFloats, kTileRowBytes);
  for (std::size_t step = 0; step < keys.key_tiles / 2; ++step) {
    const std::uint16_t* values = scratch.values() + (step * columns + column) * kTileElements;
    tile_load<4>(upper + step * kTileElements, kTileRowBytes);
    tile_load<6>(values, kTileRowBytes);
    tile_load<7>(values + kTileElements, kTileRowBytes);
    tile_load<5>(lower + step * kTileElements, kTileRowBytes);
    tile_add_bf16<0, 4, 6>();
    tile_add_bf16<1, 4, 7>();
    tile_add_bf16<2, 5, 6>();
    tile_add_bf16<3, 5, 7>();
  }
  tile_store<0>(first, kTileRowBytes);
  tile_store<1>(first + kTileFloats, kTileRowBytes);
  tile_store<2>(second, kTileRowBytes);
  tile_store<3>(second + kTileFloats, kTileRowBytes);
}

// Products that wait for being done while the vector units weigh another item: the sums of the one
// before, the scores of the one after.
class TileWork {
 public:
  explicit TileWork(const AttendScratch& scratch) : scratch_(scratch) {}

  void score(const ItemKeys& keys) {
    next_ = keys;
    key_tile_ = 0;
  }
  void mix(const ItemKeys& keys) {
    last_ = keys;
    column_ = 0;
  }
  // Does a piece, if there is one.
  HWY_INLINE bool step() {
    if (column_ < 2 * scratch_.steps()) {
      mix_pair(scratch_, last_, column_);
      column_ += 2;
      return true;
    }
    if (key_tile_ >= next_.key_tiles) return false;
    score_pair(scratch_, next_, key_tile_);
    key_tile_ += 2;
    return true;
  }
  void finish() {
    while (step()) {
    }
  }

 private:
  const AttendScratch& scratch_;
  ItemKeys next_ = {}, last_ = {};
  std::size_t key_tile_ = 0, column_ = SIZE_MAX;
};

// Which of the keys from k0 on an item sees; without tiles: none.
ItemKeys item_keys(const AttendBlock& block, const AttendScratch& scratch, std::size_t item,
                   std::size_t k0) {
  const std::size_t first = item % scratch.pairs() * kItemRows;
  const std::size_t rows_end = block.position + HWY_MIN(first + kItemRows, block.rows);
  const std::size_t end = HWY_MIN(rows_end, k0 + kKeys);
  const bool sees = end > k0 && block.first_seen(block.position + first) < k0 + kKeys;
  return {item, first, k0, sees ? (end - k0 + kTileValues - 1) / kTileValues * 2 : 0, 0};
}

void weigh_item(const AttendBlock& block, const AttendScratch& scratch, const ItemKeys& keys,
                TileWork& work) {
  for (std::size_t half = 0; half < 2; ++half) {
    const std::size_t row = keys.first_row + 16 * half;
    if (row >= block.rows) break;
    weigh_tile_rows(block, scratch, {keys, half, row, HWY_MIN(std::size_t{16}, block.rows - row)},
                    work);
  }
}

// All items over the keys that are rounded: while one is weighed, the products of its neighbours
// are done.
void attend_items(const AttendBlock& block, const AttendScratch& scratch, std::size_t k0) {
  TileWork work(scratch);
  ItemKeys current = {};
  for (std::size_t item = 0; item < scratch.items(); ++item) {
    ItemKeys next = item_keys(block, scratch, item, k0);
    if (next.key_tiles == 0) continue;
    next.buffer = current.buffer ^ 1;
    work.score(next);
    if (current.key_tiles > 0) weigh_item(block, scratch, current, work);
    work.finish();
    if (current.key_tiles > 0) work.mix(current);
    current = next;
  }
  if (current.key_tiles == 0) return;
  weigh_item(block, scratch, current, work);
  work.finish();
  work.mix(current);
  work.finish();
}

// Sums by the sums of weights.
void put_rows(const AttendBlock& block, const AttendScratch& scratch, std::size_t item) {
  const std::size_t head = item / scratch.pairs(), first = item % scratch.pairs() * kItemRows;
  for (std::size_t r = 0; r < kItemRows && first + r < block.rows; ++r) {
    const V inverse = hn::Set(D(), 1.0f / sum_lanes(hn::Load(D(), scratch.sums(item) + r * 16)));
    const float* sums =
        scratch.out(item) + r / 16 * 2 * scratch.steps() * kTileFloats + r % 16 * 16;
    float* to = block.out + (first + r) * block.stride + head * block.head_dim;
    for_each_vector(block.head_dim, [&](std::size_t i, std::size_t c) HWY_ATTR {
      store(hn::Mul(hn::Load(D(), sums + i / 16 * kTileFloats), inverse), to + i, c);
    });
  }
}

template <class S>
void attend_keys(const AttendBlock& block, const AttendScratch& scratch) {
  for (std::size_t k0 = block.first_seen(block.position) / kKeys * kKeys; k0 < block.end();
       k0 += kKeys) {
    round_keys<S>(block, k0, scratch);
    round_values<S>(block, k0, scratch);
    attend_items(block, scratch, k0);
  }
}

void attend_tiles(const AttendBlock& block, float* memory) {
  const TileSession session(attention_tiles());
  const AttendScratch scratch(block, memory);
  const std::size_t items = scratch.items();
  round_queries(block, scratch);
  std::fill(scratch.out(0), scratch.out(items), 0.0f);
  std::fill(scratch.largest(0), scratch.largest(items), kNothingSeen);
  std::fill(scratch.sums(0), scratch.sums(items), 0.0f);
  with_stored(block.type,
              [&](auto stored) HWY_ATTR { attend_keys<decltype(stored)>(block, scratch); });
  for (std::size_t item = 0; item < items; ++item) put_rows(block, scratch, item);
}

}  // namespace

void fill_attention_tiles(Table& table) { table.attend_tiles = attend_tiles; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_attention_tiles);
void fill_attention_tiles(Table& table) { HWY_DYNAMIC_DISPATCH(fill_attention_tiles)(table); }

}  // namespace lathe::kernels::cpu
#endif
