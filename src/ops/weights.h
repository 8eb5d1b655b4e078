// Weights as ops see them: matrices and vectors that somebody else owns, frozen or learning.
#pragma once

#include <cstddef>

#include "kernels/matmul.h"

namespace lathe::ops {

// W[rows, columns] = [out, in]. At least one form is there: `f32` row-major (training needs it),
// `panels` packed by the active table, or `packed` as the file has them. A gradient makes it learn.
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

// The f32 values of a row. REQUIRES: `f32` or `packed` is there.
void read_row(const MatrixWeight& weight, std::size_t row, float* out);

struct VectorWeight {
  std::size_t size = 0;
  const float* data = nullptr;
  float* gradient = nullptr;
  float offset = 0;  // of a norm: its factors are data[i] + offset

  bool learns() const { return gradient != nullptr; }
};

// What an adapter changes of one module. W x + bias becomes
//   out_factors * (W (in_factors * x) + scale * b (a x)) + bias,
// a low-rank update (Hu et al. 2021) as a rule. What follows `scale` is for inference only; null:
// as the module has it.
struct LoraWeight {
  MatrixWeight a;  // [rank, in]; without rows: no such update
  MatrixWeight b;  // [out, rank]
  float scale = 1;
  const MatrixWeight* weight = nullptr;  // in place of W (PEFT's modules_to_save)
  const VectorWeight* bias = nullptr;    // in place of the module's
  const float* in_factors = nullptr;     // [in]: IA3 (Liu et al. 2022) of a second product
  const float* out_factors = nullptr;    // [out]: IA3 of others, DoRA (Liu et al. 2024)

  bool learns() const { return a.learns() || b.learns(); }
  bool low_rank() const { return a.rows > 0; }
  // Whether it is more than a low-rank update.
  bool replaces() const {
    return weight != nullptr || bias != nullptr || in_factors != nullptr || out_factors != nullptr;
  }
};

}  // namespace lathe::ops
