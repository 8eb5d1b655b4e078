// The tensors of a Hugging Face folder, under the names that stand in its files: one
// model.safetensors, or shards named by model.safetensors.index.json. Internal to src/formats.
//
// Views live as long as the object (moves included). Errors: not_found (no weights); unsupported
// (pickled ones); bad_input (an index and shards that do not agree, shard names that are no plain
// file names); io.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/safetensors.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

class HfWeights {
 public:
  using Map = std::map<std::string, tensor::TensorView, std::less<>>;

  HfWeights() = default;
  // Maps the files; reads none of the values.
  static Result<HfWeights> open(const os::Path& folder);

  const Map& tensors() const { return tensors_; }

 private:
  Status open_all(const os::Path& folder);
  Status open_shards(const os::Path& folder, const os::Path& index);
  Result<const SafetensorsFile*> open_shard(const os::Path& folder, const std::string& name);

  std::vector<std::unique_ptr<SafetensorsFile>> shards_;
  Map tensors_;  // into shards_
};

}  // namespace lathe::formats
