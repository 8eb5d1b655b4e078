// Weights as ops see them: matrices and vectors that somebody else owns, frozen or learning.
#pragma once

#include <cstddef>

#include "kernels/matmul.h"

namespace lathe::ops {

// W[rows, columns] = [out, in]. At least one form is there: `f32` row-major (training needs it),
// `panels` packed by the active table, or `packed` quantised panels. A gradient makes it learn.
struct MatrixWeight {
  std::size_t rows = 0;
  std::size_t columns = 0;
  const float* f32 = nullptr;
  const float* panels = nullptr;
  kernels::PackedPanels packed = {};
  float* gradient = nullptr;  // [rows, columns], added to

  bool learns() const { return gradient != nullptr; }
  bool is_packed() const { return packed.data != nullptr; }
};

struct VectorWeight {
  std::size_t size = 0;
  const float* data = nullptr;
  float* gradient = nullptr;
  float offset = 0;  // of a norm: its factors are data[i] + offset

  bool learns() const { return gradient != nullptr; }
};

// A low-rank update of one matrix (Hu et al. 2021): W x becomes W x + scale * b (a x).
struct LoraWeight {
  MatrixWeight a;  // [rank, in]
  MatrixWeight b;  // [out, rank]
  float scale = 1;

  bool learns() const { return a.learns() || b.learns(); }
};

}  // namespace lathe::ops
