// The families that Lathe runs: adding one is a file with its forward pass and one line in
// registry.cc.
#pragma once

#include <string_view>
#include <vector>

#include "models/decoder.h"

namespace lathe::models {

struct Family {
  std::string_view name;  // DecoderConfig::family
  ops::Value (*forward)(ops::Run& run, const Decoder& decoder, const Batch& batch);
};

// unsupported names the family and those that exist.
Result<const Family*> find_family(std::string_view name);

}  // namespace lathe::models
