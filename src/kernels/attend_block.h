// A block of a prompt's positions over the cached keys and values of one kv head, on tiles of bf16.
#pragma once

#include <cstdint>

#include "kernels/kv_tiles.h"
#include "kernels/tiled_rows.h"

namespace lathe::kernels {

// Positions [position, position + rows) of a sequence, whose keys and values are in their tiles
// already, and the query heads that share a kv head. out = softmax of the scores (AttendPart) times
// values.
struct AttendBlock {
  KvType type = KvType::f16;
  std::size_t head_dim = 0;
  KvTiles keys;
  KvTiles values;
  std::size_t position = 0;
  std::size_t rows = 0;
  std::size_t window = 0;        // a position sees itself and window - 1 before it; 0: all
  std::size_t queries = 0;       // heads
  const float* query = nullptr;  // row r, head h: query + r * stride + h * head_dim
  std::size_t stride = 0;
  float* out = nullptr;  // as query
  float scale = 1;       // > 0
  float softcap = 0;
  const float* bias = nullptr;  // null, or [queries, bias_stride] by position
  std::size_t bias_stride = 0;

  std::size_t end() const { return position + rows; }
  std::size_t first_seen(std::size_t p) const {
    return window == 0 || p < window ? 0 : p + 1 - window;
  }
};

// What such a block takes while it is computed. Rows come in items of 32 of one head; the width of
// a head is filled up to whole steps of 32 values; keys come 128 at a time. A tile is 1 KiB.
class AttendScratch {
 public:
  static constexpr std::size_t kRows = 32;   // of an item: two tiles
  static constexpr std::size_t kKeys = 128;  // at once, from whole multiples of them on
  static constexpr std::size_t kKeyTiles = kKeys / 16, kKeySteps = kKeys / 32;

  AttendScratch(const AttendBlock& block, float* memory)
      : steps_((block.head_dim + 31) / 32), pairs_((block.rows + kRows - 1) / kRows) {
    items_ = block.queries * pairs_;
    memory_ = memory;
  }

  std::size_t steps() const { return steps_; }
  std::size_t pairs() const { return pairs_; }
  std::size_t items() const { return items_; }
  std::size_t floats() const {
    return (query_tiles() + out_tiles() + key_tiles() + value_tiles() +
            2 * (kScoreTiles + kWeightTiles)) *
               kFloats +
           items_ * kRows * (1 + kLanes);
  }

  // bf16: queries of an item [2][steps], keys [8][steps] and values [4][2 steps] of the 128, as
  // products of tiles take them; weights [2][4], in two buffers by turns.
  std::uint16_t* query(std::size_t item) const { return tile_of_bf16(item * 2 * steps_); }
  std::uint16_t* keys() const { return tile_of_bf16(query_tiles() + out_tiles()); }
  std::uint16_t* values() const { return tile_of_bf16(query_tiles() + out_tiles() + key_tiles()); }
  std::uint16_t* weights(std::size_t buffer) const {
    return tile_of_bf16(query_tiles() + out_tiles() + key_tiles() + value_tiles() +
                        buffer * kWeightTiles);
  }
  // f32: sums of an item [2][2 steps]; scores [2][8], in two buffers as well.
  float* out(std::size_t item) const {
    return memory_ + (query_tiles() + item * 4 * steps_) * kFloats;
  }
  float* scores(std::size_t buffer) const {
    return memory_ + (query_tiles() + out_tiles() + key_tiles() + value_tiles() + 2 * kWeightTiles +
                      buffer * kScoreTiles) *
                         kFloats;
  }
  // By row of an item: the greatest score; the sum of weights, lane by lane [32][16].
  float* largest(std::size_t item) const { return scores(2) + item * kRows; }
  float* sums(std::size_t item) const { return largest(items_) + item * kRows * kLanes; }

 private:
  static constexpr std::size_t kFloats = 256;  // of a tile
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kScoreTiles = 2 * kKeyTiles, kWeightTiles = 2 * kKeySteps;

  std::size_t query_tiles() const { return items_ * 2 * steps_; }
  std::size_t out_tiles() const { return items_ * 4 * steps_; }
  std::size_t key_tiles() const { return kKeyTiles * steps_; }
  std::size_t value_tiles() const { return kKeySteps * 2 * steps_; }
  std::uint16_t* tile_of_bf16(std::size_t index) const {
    return reinterpret_cast<std::uint16_t*>(memory_ + index * kFloats);
  }

  std::size_t steps_, pairs_, items_ = 0;
  float* memory_ = nullptr;
};

}  // namespace lathe::kernels
