#include "kernels/tiled_rows.h"

namespace lathe::kernels {

void TiledBuffer::resize(std::size_t rows, std::size_t k) {
  rows_ = (rows + kTiledRowStep - 1) / kTiledRowStep * kTiledRowStep;
  k_ = k;
  data_.take(rows_ * k);
}

TiledSpan TiledBuffer::span(std::size_t row) const {
  return {data_.data() + row * k_, std::min(kTiledSpan, rows_ - row), k_};
}

std::uint16_t* TiledBuffer::values(std::size_t row, std::size_t k0) {
  const std::size_t in_span = row % kTiledSpan;
  const TiledSpan at = span(row - in_span);
  const std::size_t chunk = k0 / kTiledChunk * kTiledChunk;
  const std::size_t tile = (k0 - chunk) / kTileValues;
  const std::uint16_t* first = at.tiles(in_span / kTileRows * kTileRows, chunk);
  return data_.data() + (first - data_.data()) + tile * kTileRows * kTileValues +
         in_span % kTileRows * kTileValues;
}

}  // namespace lathe::kernels
