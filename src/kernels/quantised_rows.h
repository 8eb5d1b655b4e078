// Activations in 8 bits, for products with packed weights: x = scale * value, value in [-127, 127],
// one scale for each 32 values of a row (the greatest magnitude over 127, in f32).
//
// Rows stand in groups of 16, a group block after block, so that a kernel finds all rows of a block
// at constant distances, and 16 rows of a block are one tile of AMX. A row alone is a group of its
// own. Rows that fill up the last group hold whatever was there before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lathe::kernels {

inline constexpr std::size_t kQuantisedGroup = 16;
inline constexpr std::size_t kQuantisedBlock = 32;

struct QuantisedRows {
  const std::int8_t* values = nullptr;       // [groups][k / 32][group][32]
  const float* scales = nullptr;             // [groups][k / 32][group]
  const std::int32_t* half_sums = nullptr;   // [groups][k / 32][2][group]: of the values
  const std::int32_t* block_sums = nullptr;  // [groups][k / 32][group]
  std::size_t k = 0;                         // a multiple of 32
  std::size_t group = kQuantisedGroup;       // rows in a group; 1: there is one row

  // From block `block` of row `row` on.
  QuantisedRows from(std::size_t row, std::size_t block) const {
    const std::size_t at = row / group * (k / kQuantisedBlock) + block;
    const std::size_t lane = row % group;
    return {values + (at * group + lane) * kQuantisedBlock,
            scales + at * group + lane,
            half_sums + 2 * at * group + lane,
            block_sums + at * group + lane,
            k,
            group};
  }
  // Goes on to the next block. `rows`: group, as a constant where it is known.
  void next_block(std::size_t rows) {
    values += rows * kQuantisedBlock;
    scales += rows;
    half_sums += 2 * rows;
    block_sums += rows;
  }
};

// One row as it is written: block b's values stand at values[b * group * 32], and so on.
struct QuantisedRow {
  std::int8_t* values = nullptr;
  float* scales = nullptr;
  std::int32_t* half_sums = nullptr;
  std::int32_t* block_sums = nullptr;
  std::size_t group = kQuantisedGroup;

  QuantisedRow from(std::size_t block) const {
    const std::size_t at = block * group;
    return {values + at * kQuantisedBlock, scales + at, half_sums + 2 * at, block_sums + at, group};
  }
};

// Rows that are owned. Different threads may write different rows, or blocks of them; rows of one
// group share cache lines, blocks do not.
class QuantisedBuffer {
 public:
  // Forgets what was there. REQUIRES: k is a multiple of 32.
  void resize(std::size_t rows, std::size_t k);
  QuantisedRow row(std::size_t index);
  QuantisedRows rows() const {
    return {values_.data(), scales_.data(), half_sums_.data(), block_sums_.data(), k_, group_};
  }

 private:
  std::size_t k_ = 0, group_ = kQuantisedGroup;
  std::vector<std::int8_t> values_;
  std::vector<float> scales_;
  std::vector<std::int32_t> half_sums_, block_sums_;
};

}  // namespace lathe::kernels
