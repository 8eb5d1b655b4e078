// What stands behind ModelSource: one implementation for each format. Internal to src/formats.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/model_source.h"

namespace lathe::formats {

class ModelSource::Impl {
 public:
  explicit Impl(os::Path path) : path_(std::move(path)) {}
  virtual ~Impl() = default;

  virtual Kind kind() const = 0;
  // By canonical name, one of names(); already known to be there in the right shape.
  virtual Result<tensor::TensorView> tensor(std::string_view name) const = 0;
  // Nothing when there is none.
  virtual Result<std::optional<std::string>> tokenizer_json() const = 0;
  virtual Result<std::optional<std::string>> chat_template() const = 0;
  virtual Result<std::optional<std::string>> tokenizer_config_json() const = 0;
  virtual Result<std::optional<std::string>> generation_config_json() const = 0;
  virtual const GgufFile* gguf() const = 0;

  const os::Path& path() const { return path_; }
  const DecoderConfig& config() const { return config_; }
  const std::vector<std::string>& names() const { return names_; }

 protected:
  // REQUIRES: check_weights() passed for config.
  void set_config(DecoderConfig config);

 private:
  os::Path path_;
  DecoderConfig config_;
  std::vector<std::string> names_;
};

Result<std::unique_ptr<ModelSource::Impl>> open_hf_folder(const os::Path& folder);
Result<std::unique_ptr<ModelSource::Impl>> open_gguf_model(const os::Path& file);

}  // namespace lathe::formats
