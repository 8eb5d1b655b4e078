// One row of packed weights, value by value: the plain reading of kernels/packed.h.
#pragma once

#include "kernels/packed.h"

namespace lathe::kernels {

struct PackedScale {
  float scale = 0;
  float minimum = 0;  // 0 where the form has none
};

class PackedRow {
 public:
  // Row `row` from the panels' first lane on.
  PackedRow(const PackedPanels& weights, std::size_t row);

  // Of a half of a block (the same for both where they share one). Floats have neither scales nor
  // integers.
  PackedScale scale(std::size_t block, std::size_t half) const;
  // The integer of value i of a block, zero taken off.
  int integer(std::size_t block, std::size_t i) const;
  // Value i of the row.
  float value(std::size_t i) const;
  // Its first k values.
  void copy_to(float* out, std::size_t k) const;

 private:
  PackedFormat format_;
  const std::byte* panel_;
  std::size_t lane_;
};

}  // namespace lathe::kernels
