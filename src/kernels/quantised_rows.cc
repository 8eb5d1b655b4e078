#include "kernels/quantised_rows.h"

namespace lathe::kernels {

void QuantisedBuffer::resize(std::size_t rows, std::size_t k) {
  k_ = k;
  group_ = rows == 1 ? 1 : kQuantisedGroup;
  const std::size_t filled = (rows + group_ - 1) / group_ * group_;
  const std::size_t blocks = filled * (k / kQuantisedBlock);
  values_.resize(blocks * kQuantisedBlock);
  scales_.resize(blocks);
  half_sums_.resize(2 * blocks);
  block_sums_.resize(blocks);
}

QuantisedRow QuantisedBuffer::row(std::size_t index) {
  const std::size_t at = index / group_ * (k_ / kQuantisedBlock) * group_;
  const std::size_t lane = index % group_;
  return {values_.data() + (at + lane) * kQuantisedBlock, scales_.data() + at + lane,
          half_sums_.data() + 2 * at + lane, block_sums_.data() + at + lane, group_};
}

}  // namespace lathe::kernels
