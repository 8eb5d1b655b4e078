// Whether a set of named tensors is exactly the weights of a config. Internal to src/formats.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// What is known of a tensor before its values are touched. No dtype: a type Lathe cannot read.
struct WeightInfo {
  std::optional<tensor::DType> dtype;
  tensor::Shape shape;
  std::string type_name;  // as its file calls the type
};
using WeightTable = std::map<std::string, WeightInfo, std::less<>>;

// Every expected tensor is there, in its shape and with a type that weights can have, and no other
// is. Errors: bad_input, unsupported; both name the tensors by the names of `shown` (identity when
// empty), which is how their file spells them.
Status check_weights(const DecoderConfig& config, const WeightTable& weights,
                     const std::function<std::string(const std::string&)>& shown = {});

}  // namespace lathe::formats
