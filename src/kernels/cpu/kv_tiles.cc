// Tiles of keys and values: written from rows of f32 and read back.
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/kv_tiles.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/kv_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE float greatest_magnitude(const float* x, std::size_t n) {
  const D d;
  V greatest = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c)
                         HWY_ATTR { greatest = hn::Max(hn::Abs(load(x + i, c)), greatest); });
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

// factor * x to out[i * stride].
template <class S>
HWY_INLINE void write_row(const float* x, std::size_t n, float factor, std::size_t stride,
                          typename S::Value* out) {
  const D d;
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    V v = load(x + i, c);
    if (S::kScaled) v = hn::Mul(v, hn::Set(d, factor));
    if (stride == 1 && c == hn::Lanes(d)) return S::store(v, out + i);
    HWY_ALIGN typename S::Value rounded[hn::MaxLanes(d)];
    S::store(v, rounded);
    for (std::size_t j = 0; j < c; ++j) out[(i + j) * stride] = rounded[j];
  });
}

// The position in lane p of the tile has its values at p * lane_stride + i * stride.
template <class S>
HWY_INLINE void write_rows(const KvRows& rows, std::size_t lane_stride, std::size_t stride,
                           std::byte* tile) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    const float* x = rows.data + row * rows.stride;
    const std::size_t lane = rows.lane + row;
    float factor = 1;
    if (S::kScaled) {
      const float magnitude = greatest_magnitude(x, rows.head_dim);
      reinterpret_cast<float*>(tile)[lane] = magnitude / 127.0f;
      factor = magnitude > 0 ? 127.0f / magnitude : 0;
    }
    write_row<S>(x, rows.head_dim, factor, stride, values_of<S>(tile) + lane * lane_stride);
  }
}

void write_keys(const KvRows& rows, std::byte* tile) {
  with_stored(rows.type,
              [&](auto stored) HWY_ATTR { write_rows<decltype(stored)>(rows, 1, kKvTile, tile); });
}

void write_values(const KvRows& rows, std::byte* tile) {
  with_stored(rows.type, [&](auto stored) HWY_ATTR {
    write_rows<decltype(stored)>(rows, rows.head_dim, 1, tile);
  });
}

template <class S>
HWY_INLINE void read_key_tile(const KvTile& tile, std::size_t stride, float* out) {
  const D d;
  const auto* values = values_of<S>(tile.data);
  for (std::size_t i = 0; i < tile.head_dim; ++i) {
    for (std::size_t lane = 0; lane < kKvTile; lane += hn::Lanes(d)) {
      V v = S::load(values + i * kKvTile + lane);
      if (S::kScaled) v = hn::Mul(v, hn::LoadU(d, scales_of(tile.data) + lane));
      hn::StoreU(v, d, out + i * stride + lane);
    }
  }
}

void read_keys(const KvTile& tile, std::size_t stride, float* out) {
  with_stored(tile.type,
              [&](auto stored) HWY_ATTR { read_key_tile<decltype(stored)>(tile, stride, out); });
}

template <class S>
HWY_INLINE void read_value_tile(const KvTile& tile, std::size_t stride, float* out) {
  const auto* values = values_of<S>(tile.data);
  for (std::size_t lane = 0; lane < kKvTile; ++lane) {
    const V scale = hn::Set(D(), S::kScaled ? scales_of(tile.data)[lane] : 1.0f);
    for_each_vector(tile.head_dim, [&](std::size_t i, std::size_t c) HWY_ATTR {
      V v = load_values<S>(values + lane * tile.head_dim + i, c);
      if (S::kScaled) v = hn::Mul(v, scale);
      store(v, out + lane * stride + i, c);
    });
  }
}

void read_values(const KvTile& tile, std::size_t stride, float* out) {
  with_stored(tile.type,
              [&](auto stored) HWY_ATTR { read_value_tile<decltype(stored)>(tile, stride, out); });
}

}  // namespace

void fill_kv_tiles(Table& table) {
  table.write_keys = write_keys;
  table.write_values = write_values;
  table.read_keys = read_keys;
  table.read_values = read_values;
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_kv_tiles);
void fill_kv_tiles(Table& table) { HWY_DYNAMIC_DISPATCH(fill_kv_tiles)(table); }

}  // namespace lathe::kernels::cpu
#endif
