// Keys and values of past positions as attention reads them: a tile holds those of 16 positions and
// one kv head.
//
//             keys                                values
//   f16, f32  [head_dim][16]                      [16][head_dim]
//   int8      f32 scales [16], [head_dim][16]     f32 scales [16], [16][head_dim]
//
// A key is a column, so that the scores of a query with 16 keys are one chain of multiply-adds over
// head_dim, with no sum across lanes; a tile of keys is what a matrix product wants, too. Values
// are rounded once, when they are written (f16: to nearest, at most 65504; int8: one scale for each
// position, the greatest magnitude over 127), so that whoever reads them later reads the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::kernels {

enum class KvType { f16, f32, int8 };
inline constexpr KvType kKvTypes[] = {KvType::f16, KvType::f32, KvType::int8};

inline constexpr std::size_t kKvTile = 16;  // positions
// Scores are made and weighed for so many positions at once; those of a longer context are put
// together from such parts, which begin at whole multiples, whoever computes them.
inline constexpr std::size_t kKvPart = 1024;

constexpr std::size_t kv_value_bytes(KvType type) {
  return type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
}

// Bytes of a tile of keys or of values; whole cache lines.
constexpr std::size_t kv_tile_bytes(KvType type, std::size_t head_dim) {
  const std::size_t scales = type == KvType::int8 ? kKvTile * sizeof(float) : 0;
  return (scales + kKvTile * head_dim * kv_value_bytes(type) + 63) / 64 * 64;
}

// The tiles of one kv head of a sequence, of keys or of values: positions from 16 i on stand at
// pages[i] + offset.
struct KvTiles {
  std::byte* const* pages = nullptr;
  std::size_t offset = 0;

  std::byte* tile(std::size_t i) const { return pages[i] + offset; }
};

// Positions `lane`, lane + 1, … of one tile, to be written from rows of f32.
struct KvRows {
  KvType type = KvType::f16;
  std::size_t head_dim = 0;
  const float* data = nullptr;  // [count, head_dim]
  std::size_t stride = 0;       // floats from a row to the next
  std::size_t lane = 0;
  std::size_t count = 0;  // lane + count <= 16
};

// A tile to be read.
struct KvTile {
  KvType type = KvType::f16;
  std::size_t head_dim = 0;
  const std::byte* data = nullptr;
};

// Query heads of one position that share a kv head, over cached positions [first, end) of one part.
// With s the scores, scale * (q k + bias) or its soft cap: largest = max s, sum = sum of
// exp(s - largest), out = sum of exp(s - largest) v.
struct AttendPart {
  KvType type = KvType::f16;
  std::size_t head_dim = 0;
  KvTiles keys;
  KvTiles values;
  std::size_t first = 0;
  std::size_t end = 0;           // > first
  std::size_t queries = 0;       // heads
  const float* query = nullptr;  // [queries, head_dim]
  float scale = 1;               // > 0
  float softcap = 0;             // > 0: scaled scores become softcap * tanh(score / softcap)
  const float* bias = nullptr;   // null, or [queries, bias_stride] by position
  std::size_t bias_stride = 0;
  float* scores = nullptr;   // scratch: score_floats()
  float* out = nullptr;      // [queries, head_dim]
  float* largest = nullptr;  // [queries]
  float* sum = nullptr;      // [queries]

  // The first position of the part.
  std::size_t start() const { return first / kKvPart * kKvPart; }
  std::size_t score_floats() const { return queries * kKvPart; }
};

}  // namespace lathe::kernels
