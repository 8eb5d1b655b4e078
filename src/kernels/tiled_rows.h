// Activations in bf16 as the tiles of AMX read them: products of many rows with packed weights.
//
// Rows are rounded to the nearest bf16 (ties to even). They stand in spans of up to 512 rows, the
// last one filled up to 32; a span in chunks of 512 values along k, the last one shorter, so that a
// chunk of a span (512 KiB) stays in L2 while all weights pass over it; a chunk in tiles of 16 rows
// and 32 values, those of the same rows one after the other. Rows that fill up the last span hold
// whatever was there before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/scratch.h"

namespace lathe::kernels {

inline constexpr std::size_t kTileRows = 16;
inline constexpr std::size_t kTileValues = 32;  // of a row of a tile, along k
inline constexpr std::size_t kTileElements = kTileRows * kTileValues;
inline constexpr std::size_t kTileFloats = kTileRows * 16;  // of a tile of sums
inline constexpr std::size_t kTiledSpan = 512;              // rows
inline constexpr std::size_t kTiledChunk = 512;             // values along k
inline constexpr std::size_t kTiledRowStep = 32;  // rows of two tiles: what a kernel takes at once

// One span.
struct TiledSpan {
  const std::uint16_t* data = nullptr;
  std::size_t rows = 0;  // a multiple of 32
  std::size_t k = 0;     // a multiple of 32

  // The first tile of rows [row, row + 16) of the chunk that begins at k0.
  const std::uint16_t* tiles(std::size_t row, std::size_t k0) const {
    return data + rows * k0 + row * std::min(kTiledChunk, k - k0);
  }
};

// Rows that are owned. Different rows may be written by different threads.
class TiledBuffer {
 public:
  // Forgets what was there. REQUIRES: k is a multiple of 32.
  void resize(std::size_t rows, std::size_t k);
  std::size_t k() const { return k_; }
  // The span that begins at a row. REQUIRES: row is a multiple of 512.
  TiledSpan span(std::size_t row) const;
  // Where the 32 values from k0 on of a row stand. REQUIRES: k0 is a multiple of 32.
  std::uint16_t* values(std::size_t row, std::size_t k0);

 private:
  std::size_t rows_ = 0;  // filled up
  std::size_t k_ = 0;
  Scratch<std::uint16_t> data_;
};

}  // namespace lathe::kernels
