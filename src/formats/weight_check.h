// Whether a set of named tensors is exactly the weights that a config calls for. Internal to
// src/formats.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
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

// What a config calls for.
struct WantedWeight {
  std::string name;
  tensor::Shape shape;
};

// Every wanted tensor is there, in its shape and with a type that weights can have, and no other
// is. Errors: bad_input, unsupported; both name the tensors by the names of `shown` (identity when
// empty), which is how their file spells them.
using ShownName = std::function<std::string(const std::string&)>;
Status check_weights(std::span<const WantedWeight> wanted, const WeightTable& weights,
                     const ShownName& shown = {});
// The same for expected_tensors(config).
Status check_weights(const DecoderConfig& config, const WeightTable& weights,
                     const ShownName& shown = {});

}  // namespace lathe::formats
