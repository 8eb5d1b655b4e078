// The memory of a model's weights for inference: matrices packed once for the kernels that this
// processor runs, or mapped from where they were packed before; vectors and embedding rows in f32.
// Weights point into it; it only grows, and what it holds stays where it is. Not thread-safe while
// it grows.
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "formats/packed_file.h"
#include "ops/weights.h"
#include "tensor/tensor.h"

namespace lathe::models {

class WeightStore {
 public:
  // Matrices of that file are mapped from now on.
  void use(formats::PackedFile file);
  // Asks for all of that file at once (os::MappedFile::populate()).
  void populate() const;
  // Points the weight to the mapped matrix of that name; false: the file has none. Errors:
  // bad_input (it is not of weight.rows by weight.columns, or damaged).
  Result<bool> map_matrix(std::string_view name, ops::MatrixWeight& weight) const;
  // The values in f32, row-major. Errors: unsupported (a type that is no number).
  Result<const float*> keep_f32(const tensor::TensorView& view);
  // Packs a matrix of weight.rows by weight.columns, with the bits of the file where
  // ops::is_packable(), else as panels of f32. Errors: as above.
  Status keep_matrix(const tensor::TensorView& view, Parallel& parallel, ops::MatrixWeight& weight);

 private:
  std::deque<std::vector<float>> floats_;
  std::deque<kernels::PackedWeights> packed_;
  std::optional<formats::PackedFile> file_;
};

}  // namespace lathe::models
