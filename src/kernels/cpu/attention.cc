// Attention of query heads that share a kv head over a part of a paged cache: the scores of all of
// them, tile by tile of keys, then the weights, then the mixing, tile by tile of values, so that
// keys and values are read once for the group. Up to four queries and two vectors are in registers.
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/kv_tiles-inl.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kQueriesAtOnce = 4;
// Tiles are asked for so long before they are read: a head's stand far apart, one in each page, and
// no processor guesses that.
constexpr std::size_t kAheadTiles = 4;

// Calls body(query, count) for each few of the queries; count is a constant.
template <class Body>
HWY_INLINE void for_queries(std::size_t queries, const Body& body) {
  std::size_t query = 0;
  for (; query + kQueriesAtOnce <= queries; query += kQueriesAtOnce)
    body(query, std::integral_constant<std::size_t, kQueriesAtOnce>());
  switch (queries - query) {
    case 3:
      return body(query, std::integral_constant<std::size_t, 3>());
    case 2:
      return body(query, std::integral_constant<std::size_t, 2>());
    case 1:
      return body(query, std::integral_constant<std::size_t, 1>());
    default:
      return;
  }
}

// Tile `index` of keys, and after the last one those of values.
HWY_INLINE const std::byte* coming_tile(const AttendPart& a, std::size_t index) {
  const std::size_t first = a.first / kKvTile, last = (a.end - 1) / kKvTile;
  if (index <= last) return a.keys.tile(index);
  return a.values.tile(HWY_MIN(first + (index - last - 1), last));
}

// Products of kQueries queries with the keys of kVectors vectors of positions, from t on.
template <class S, std::size_t kQueries, std::size_t kVectors>
HWY_INLINE void score_vectors(const AttendPart& a, std::size_t query, std::size_t t) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::byte* tiles[kVectors];
  const typename S::Value *keys[kVectors], *coming[kVectors];
  V sums[kQueries][kVectors];
  LATHE_UNROLL(2)
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t position = t + v * lanes;
    tiles[v] = a.keys.tile(position / kKvTile);
    keys[v] = values_of<S>(tiles[v]) + position % kKvTile;
    coming[v] = reinterpret_cast<const typename S::Value*>(
        coming_tile(a, position / kKvTile + kAheadTiles));
    LATHE_UNROLL(4)
    for (std::size_t q = 0; q < kQueries; ++q) sums[q][v] = hn::Zero(d);
  }
  const float* queries = a.query + query * a.head_dim;
  for (std::size_t i = 0; i < a.head_dim; ++i) {
    V key[kVectors];
    LATHE_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v) {
      key[v] = S::load(keys[v] + i * kKvTile);
      hwy::Prefetch(coming[v] + i * kKvTile);
    }
    LATHE_UNROLL(4)
    for (std::size_t q = 0; q < kQueries; ++q) {
      const V x = hn::Set(d, queries[q * a.head_dim + i]);
      LATHE_UNROLL(2)
      for (std::size_t v = 0; v < kVectors; ++v) sums[q][v] = hn::MulAdd(x, key[v], sums[q][v]);
    }
  }
  float* scores = a.scores + query * kKvPart + (t - a.start());
  LATHE_UNROLL(2)
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t lane = (t + v * lanes) % kKvTile;
    LATHE_UNROLL(4)
    for (std::size_t q = 0; q < kQueries; ++q) {
      V score = sums[q][v];
      if (S::kScaled) score = hn::Mul(score, hn::LoadU(d, scales_of(tiles[v]) + lane));
      hn::StoreU(score, d, scores + q * kKvPart + v * lanes);
    }
  }
}

// Whole tiles; what no query sees is computed and not used.
template <class S>
HWY_INLINE void score_tiles(const AttendPart& a) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t end = (a.end + kKvTile - 1) / kKvTile * kKvTile;
  std::size_t t = a.first / kKvTile * kKvTile;
  for (; t + 2 * lanes <= end; t += 2 * lanes) {
    for_queries(a.queries, [&](std::size_t query, auto count) HWY_ATTR {
      score_vectors<S, decltype(count)::value, 2>(a, query, t);
    });
  }
  for (; t < end; t += lanes) {
    for_queries(a.queries, [&](std::size_t query, auto count) HWY_ATTR {
      score_vectors<S, decltype(count)::value, 1>(a, query, t);
    });
  }
}

// Scores become weights.
HWY_INLINE void weigh(const AttendPart& a, std::size_t query) {
  float* seen = a.scores + query * kKvPart + (a.first - a.start());
  const std::size_t count = a.end - a.first;
  if (a.bias != nullptr) add_scaled(a.bias + query * a.bias_stride + a.first, 1, count, seen);
  if (a.softcap > 0) soft_cap(seen, a.scale, a.softcap, count);
  const float scale = a.softcap > 0 ? 1.0f : a.scale;
  const float shift = largest(seen, count);
  a.largest[query] = scale * shift;
  a.sum[query] = exponentials(seen, scale, shift, count, seen);
}

// Lanes [first, end) of a tile.
struct TileLanes {
  std::size_t tile, first, end;
};

// out += the values of kVectors vectors from `column` on (the last one of `count` lanes), weighed.
template <class S, std::size_t kQueries, std::size_t kVectors>
HWY_INLINE void mix_columns(const AttendPart& a, std::size_t query, const TileLanes& seen,
                            std::size_t column, std::size_t count) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kQueries][kVectors];
  float* out = a.out + query * a.head_dim + column;
  const float* weights = a.scores + query * kKvPart + (seen.tile * kKvTile - a.start());
  const auto* values = values_of<S>(a.values.tile(seen.tile)) + column;
  const std::size_t ahead = HWY_MIN(seen.tile + kAheadTiles, (a.end - 1) / kKvTile);
  const auto* coming = values_of<S>(a.values.tile(ahead)) + column;
  LATHE_UNROLL(4)
  for (std::size_t q = 0; q < kQueries; ++q) {
    LATHE_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v)
      sums[q][v] = load(out + q * a.head_dim + v * lanes, kVectors == 1 ? count : lanes);
  }
  for (std::size_t t = seen.first; t < seen.end; ++t) {
    V value[kVectors];
    hwy::Prefetch(coming + t * a.head_dim);
    LATHE_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v)
      value[v] = load_values<S>(values + t * a.head_dim + v * lanes, kVectors == 1 ? count : lanes);
    LATHE_UNROLL(4)
    for (std::size_t q = 0; q < kQueries; ++q) {
      const V weight = hn::Set(d, weights[q * kKvPart + t]);
      LATHE_UNROLL(2)
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[q][v] = hn::MulAdd(weight, value[v], sums[q][v]);
    }
  }
  LATHE_UNROLL(4)
  for (std::size_t q = 0; q < kQueries; ++q) {
    LATHE_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v)
      store(sums[q][v], out + q * a.head_dim + v * lanes, kVectors == 1 ? count : lanes);
  }
}

template <class S>
HWY_INLINE void mix_tile(const AttendPart& a, const TileLanes& seen) {
  const std::size_t lanes = hn::Lanes(D());
  for_queries(a.queries, [&](std::size_t query, auto number) HWY_ATTR {
    constexpr std::size_t kQueries = decltype(number)::value;
    std::size_t column = 0;
    for (; column + 2 * lanes <= a.head_dim; column += 2 * lanes)
      mix_columns<S, kQueries, 2>(a, query, seen, column, lanes);
    for (; column < a.head_dim; column += lanes)
      mix_columns<S, kQueries, 1>(a, query, seen, column, HWY_MIN(lanes, a.head_dim - column));
  });
}

// The weights of a tile's positions times the scales of their values.
HWY_INLINE void scale_weights(const AttendPart& a, std::size_t tile) {
  const D d;
  const float* scales = scales_of(a.values.tile(tile));
  for (std::size_t query = 0; query < a.queries; ++query) {
    float* weights = a.scores + query * kKvPart + (tile * kKvTile - a.start());
    for (std::size_t lane = 0; lane < kKvTile; lane += hn::Lanes(d))
      hn::StoreU(hn::Mul(hn::LoadU(d, weights + lane), hn::LoadU(d, scales + lane)), d,
                 weights + lane);
  }
}

template <class S>
HWY_INLINE void mix_tiles(const AttendPart& a) {
  std::fill_n(a.out, a.queries * a.head_dim, 0.0f);
  for (std::size_t t = a.first; t < a.end;) {
    const std::size_t tile = t / kKvTile;
    const std::size_t end = HWY_MIN(a.end, (tile + 1) * kKvTile);
    if (S::kScaled) scale_weights(a, tile);
    mix_tile<S>(a, {tile, t % kKvTile, end - tile * kKvTile});
    t = end;
  }
}

void attend(const AttendPart& a) {
  with_stored(a.type, [&](auto stored) HWY_ATTR {
    score_tiles<decltype(stored)>(a);
    for (std::size_t query = 0; query < a.queries; ++query) weigh(a, query);
    mix_tiles<decltype(stored)>(a);
  });
}

}  // namespace

void fill_attention(Table& table) { table.attend = attend; }

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_attention);
void fill_attention(Table& table) { HWY_DYNAMIC_DISPATCH(fill_attention)(table); }

}  // namespace lathe::kernels::cpu
#endif
