// What types the weights of a model have, and how much of each there is.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/encoder_source.h"
#include "formats/model_source.h"

namespace lathe::formats {

struct WeightsOfType {
  tensor::DType dtype = tensor::DType::f32;
  std::int64_t tensors = 0;
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
};

// Most bytes first: the first is what the model is called after. Empty only for a model without
// weights. Errors: those of reading a tensor.
Result<std::vector<WeightsOfType>> weights_by_type(const ModelSource& source);
Result<std::vector<WeightsOfType>> weights_by_type(const EncoderSource& source);

}  // namespace lathe::formats
