// Whole models to disk, from a config and weights under canonical (Hugging Face) names; what was
// written, ModelSource opens. The weights must be exactly expected_tensors(config): a missing,
// unexpected or wrongly shaped one is an error that names it, before anything is written.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "formats/gguf_metadata.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// Files that stand beside the weights of a folder.
struct ModelTexts {
  std::optional<std::string> tokenizer_json;
  std::optional<std::string> tokenizer_config_json;
  std::optional<std::string> chat_template;  // chat_template.jinja
};

// A Hugging Face folder: model.safetensors, the texts, generation_config.json, and config.json
// last, so that a folder without it is not yet a model. dtypes as given (f32 f16 bf16). Errors:
// already_exists (the folder holds a config.json), unsupported (q8_0), bad_input, io.
Status write_model_folder(const os::Path& folder, const DecoderConfig& config,
                          std::span<const tensor::NamedTensor> tensors, const ModelTexts& texts);

// One GGUF file, atomically; llama.cpp reads it too. Matrices as given (f32 f16 bf16 q8_0), vectors
// as f32 (exact), rows of q_proj and k_proj in llama.cpp's order. extra holds what config does not
// say ("tokenizer.*", "general.name", …); a key that the config writes may not be in it.
Status write_model_gguf(const os::Path& path, const DecoderConfig& config,
                        std::span<const tensor::NamedTensor> tensors, const GgufMetadata& extra);

}  // namespace lathe::formats
