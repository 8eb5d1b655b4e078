#include "models/weight_store.h"

#include "models/packed_model.h"
#include "ops/pack.h"

namespace lathe::models {

void WeightStore::use(formats::PackedFile file) { file_ = std::move(file); }

void WeightStore::populate() const {
  if (file_) file_->populate();
}

Result<bool> WeightStore::map_matrix(std::string_view name, ops::MatrixWeight& weight) const {
  const formats::PackedMatrix* matrix = file_ ? file_->find(name) : nullptr;
  if (matrix == nullptr) return false;
  if (matrix->rows != weight.rows || matrix->columns != weight.columns)
    return Error::bad_input("the packed matrix has other rows and columns than the model's");
  LATHE_TRY(weight.packed, panels_of(*matrix));
  return true;
}

Result<const float*> WeightStore::keep_f32(const tensor::TensorView& view) {
  LATHE_TRY(std::vector<float> values, tensor::to_f32(view));
  floats_.push_back(std::move(values));
  return static_cast<const float*>(floats_.back().data());
}

Status WeightStore::keep_matrix(const tensor::TensorView& view, Parallel& parallel,
                                ops::MatrixWeight& weight) {
  const kernels::Table& table = kernels::active();
  if (ops::is_packable(view)) {
    packed_.push_back(ops::pack(view, parallel));
    weight.packed = packed_.back().panels();
    return {};
  }
  LATHE_TRY(const std::vector<float> values, tensor::to_f32(view));
  floats_.emplace_back(kernels::panel_floats(table, weight.columns, weight.rows));
  float* panels = floats_.back().data();
  kernels::pack(table, {values.data(), 1, weight.columns}, weight.columns, weight.rows, panels,
                parallel);
  weight.panels = panels;
  return {};
}

}  // namespace lathe::models
