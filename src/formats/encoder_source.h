// An encoder on disk, whatever its format: an open EncoderSource has a validated config, every
// weight that the config calls for under canonical names (encoder_tensors.h), and what its files
// say of embeddings.
//
// Tensors of heads (a pooler, a masked-word head, a classifier), which embeddings do not go
// through, are not weights of the encoder; unused_tensors() names those that the files have.
// Missing, wrongly shaped and any other tensors are errors that name them; pickled weights are
// refused.
//
// Thread-safety: const members may be called from several threads at once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/embedding_config.h"
#include "formats/encoder_config.h"
#include "formats/gguf.h"
#include "formats/hf_weights.h"
#include "formats/model_source.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// Whether the path holds an encoder, by config.json's model_type or GGUF's architecture alone; of
// anything that is not one, opening it as a ModelSource says what is wrong.
bool is_encoder(const os::Path& path);

class EncoderSource {
 public:
  // path: a folder with config.json, or a .gguf file. Maps the weights; reads none of them.
  static Result<EncoderSource> open(const os::Path& path);

  ModelSource::Kind kind() const {
    return gguf_ ? ModelSource::Kind::gguf : ModelSource::Kind::huggingface;
  }
  const os::Path& path() const { return path_; }
  const EncoderConfig& config() const { return config_; }
  const EmbeddingConfig& embedding() const { return embedding_; }

  // In the order of expected_tensors(config()).
  std::span<const std::string> tensor_names() const { return names_; }
  // A weight by its canonical name, as stored. The view lives as long as this object (moves
  // included). not_found names the tensor.
  Result<tensor::TensorView> tensor(std::string_view canonical_name) const;
  // The tensors of heads, as the files name them, in alphabetical order.
  std::span<const std::string> unused_tensors() const { return unused_; }

  // As ModelSource's.
  Result<std::string> tokenizer_json() const;
  Result<std::optional<std::string>> tokenizer_config_json() const;
  const GgufFile* gguf() const { return gguf_ ? gguf_.get() : nullptr; }

 private:
  explicit EncoderSource(os::Path path) : path_(std::move(path)) {}
  Status open_folder();
  Status open_gguf();

  os::Path path_;
  EncoderConfig config_;
  EmbeddingConfig embedding_;
  HfWeights files_;                                                 // of a folder
  std::unique_ptr<GgufFile> gguf_;                                  // of a GGUF file
  std::map<std::string, tensor::TensorView, std::less<>> weights_;  // by canonical name
  std::vector<std::string> names_;
  std::vector<std::string> unused_;
};

}  // namespace lathe::formats
