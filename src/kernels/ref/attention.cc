// Tiles of keys and values (kernels/kv_tiles.h) and attention over them, as plain loops.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "kernels/ref/fill.h"

namespace lathe::kernels::ref {
namespace {

constexpr float kLargestF16 = 65504;

// Where value `index` of a tile stands, behind its scales.
std::size_t value_at(KvType type, std::size_t index) {
  const std::size_t scales = type == KvType::int8 ? kKvTile * sizeof(float) : 0;
  return scales + index * kv_value_bytes(type);
}

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

template <class T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// inverse: of the position's scale.
void put_value(KvType type, float x, float inverse, std::byte* at) {
  if (type == KvType::f32) return put(at, x);
  if (type == KvType::f16)
    return put(at, f32_to_f16(std::isnan(x) ? x : std::clamp(x, -kLargestF16, kLargestF16)));
  put(at, static_cast<std::int8_t>(std::fmin(std::fmax(std::nearbyint(x * inverse), -127), 127)));
}

float get_value(KvType type, const std::byte* tile, std::size_t lane, std::size_t index) {
  const std::byte* at = tile + value_at(type, index);
  if (type == KvType::f32) return get<float>(at);
  if (type == KvType::f16) return f16_to_f32(get<std::uint16_t>(at));
  return get<float>(tile + lane * sizeof(float)) * static_cast<float>(get<std::int8_t>(at));
}

// Position p of the tile has its values at p * lane_stride + i * stride.
void write_rows(const KvRows& rows, std::size_t lane_stride, std::size_t stride, std::byte* tile) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    const float* x = rows.data + row * rows.stride;
    const std::size_t lane = rows.lane + row;
    float inverse = 0;
    if (rows.type == KvType::int8) {
      float magnitude = 0;
      for (std::size_t i = 0; i < rows.head_dim; ++i)
        magnitude = std::max(magnitude, std::fabs(x[i]));
      put(tile + lane * sizeof(float), magnitude / 127.0f);
      inverse = magnitude > 0 ? 127.0f / magnitude : 0;
    }
    for (std::size_t i = 0; i < rows.head_dim; ++i)
      put_value(rows.type, x[i], inverse,
                tile + value_at(rows.type, lane * lane_stride + i * stride));
  }
}

void write_keys(const KvRows& rows, std::byte* tile) { write_rows(rows, 1, kKvTile, tile); }
void write_values(const KvRows& rows, std::byte* tile) { write_rows(rows, rows.head_dim, 1, tile); }

void read_keys(const KvTile& tile, std::size_t stride, float* out) {
  for (std::size_t i = 0; i < tile.head_dim; ++i) {
    for (std::size_t lane = 0; lane < kKvTile; ++lane)
      out[i * stride + lane] = get_value(tile.type, tile.data, lane, i * kKvTile + lane);
  }
}

void read_values(const KvTile& tile, std::size_t stride, float* out) {
  for (std::size_t lane = 0; lane < kKvTile; ++lane) {
    for (std::size_t i = 0; i < tile.head_dim; ++i)
      out[lane * stride + i] = get_value(tile.type, tile.data, lane, lane * tile.head_dim + i);
  }
}

float key_value(const AttendPart& a, std::size_t t, std::size_t i) {
  const std::size_t lane = t % kKvTile;
  return get_value(a.type, a.keys.tile(t / kKvTile), lane, i * kKvTile + lane);
}

float value_value(const AttendPart& a, std::size_t t, std::size_t i) {
  const std::size_t lane = t % kKvTile;
  return get_value(a.type, a.values.tile(t / kKvTile), lane, lane * a.head_dim + i);
}

double score_of(const AttendPart& a, std::size_t query, std::size_t t) {
  double dot = 0;
  for (std::size_t i = 0; i < a.head_dim; ++i)
    dot += static_cast<double>(a.query[query * a.head_dim + i]) * key_value(a, t, i);
  if (a.bias != nullptr) dot += a.bias[query * a.bias_stride + t];
  const double scaled = a.scale * dot;
  return a.softcap > 0 ? a.softcap * std::tanh(scaled / a.softcap) : scaled;
}

void attend_query(const AttendPart& a, std::size_t query) {
  float* scores = a.scores + query * kKvPart;
  const std::size_t count = a.end - a.first;
  for (std::size_t i = 0; i < count; ++i)
    scores[i] = static_cast<float>(score_of(a, query, a.first + i));
  const float largest = *std::max_element(scores, scores + count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    scores[i] = std::exp(scores[i] - largest);
    sum += scores[i];
  }
  a.largest[query] = largest;
  a.sum[query] = static_cast<float>(sum);
  for (std::size_t d = 0; d < a.head_dim; ++d) {
    double mixed = 0;
    for (std::size_t i = 0; i < count; ++i)
      mixed += static_cast<double>(scores[i]) * value_value(a, a.first + i, d);
    a.out[query * a.head_dim + d] = static_cast<float>(mixed);
  }
}

void attend(const AttendPart& a) {
  for (std::size_t query = 0; query < a.queries; ++query) attend_query(a, query);
}

}  // namespace

void fill_attention(Table& table) {
  table.write_keys = write_keys;
  table.write_values = write_values;
  table.read_keys = read_keys;
  table.read_values = read_values;
  table.attend = attend;
}

}  // namespace lathe::kernels::ref
