// A model on disk, whatever its format: an open ModelSource has a validated config and every weight
// that config calls for, in the shape it calls for, under canonical (Hugging Face) names:
// "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", …, "lm_head.weight".
//
// A folder is read as Hugging Face writes it (config.json; model.safetensors, or shards named by
// model.safetensors.index.json), a file as GGUF, with the parts that gguf-split made of it. What
// llama.cpp's converter does to values (gguf_names.h) is undone, so nobody behind this header sees
// the difference. Missing, unexpected and wrongly shaped tensors are errors that name them; pickled
// weights (.bin, .pt) are refused.
//
// Thread-safety: const members may be called from several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "formats/gguf.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

class ModelSource {
 public:
  enum class Kind { huggingface, gguf };
  class Impl;  // one for folders, one for GGUF: model_source_impl.h

  // For formats, which have implementations.
  explicit ModelSource(std::unique_ptr<Impl> impl);

  // path: a folder with config.json, or a .gguf file. Maps the weights; reads none of them.
  static Result<ModelSource> open(const os::Path& path);

  ModelSource(ModelSource&&) noexcept;
  ModelSource& operator=(ModelSource&&) noexcept;
  ~ModelSource();

  Kind kind() const;
  const os::Path& path() const;
  const DecoderConfig& config() const;

  // The canonical names of all weights, in the order of expected_tensors(config()).
  std::span<const std::string> tensor_names() const;

  // A weight by its canonical name: matrices [out, in], norms [hidden_size]; f32, f16, bf16, f64 or
  // q8_0 as stored; no alignment is promised. The view lives as long as this object (moves
  // included). What stands otherwise in a file is a copy made by the first call. not_found names
  // the tensor.
  Result<tensor::TensorView> tensor(std::string_view canonical_name) const;

  // tokenizer.json beside the weights, or the GGUF key "tokenizer.huggingface.json"; not_found when
  // there is neither (a GGUF then has "tokenizer.ggml.*": see gguf()).
  Result<std::string> tokenizer_json() const;

  // chat_template.jinja, or "chat_template" of tokenizer_config.json, or the GGUF key
  // "tokenizer.chat_template"; nothing when the model has none.
  Result<std::optional<std::string>> chat_template() const;

  // tokenizer_config.json and generation_config.json of a folder; nothing when absent or GGUF.
  Result<std::optional<std::string>> tokenizer_config_json() const;
  Result<std::optional<std::string>> generation_config_json() const;

  // The open GGUF file, the first where there are parts; nullptr for a folder.
  const GgufFile* gguf() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::formats
