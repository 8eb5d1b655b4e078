// A model in memory, ready to answer: weights, tokenizer, chat template and engine, opened from one
// path.
//
// Thread-safe: immutable but for the engine, which is thread-safe itself.
#pragma once

#include <memory>
#include <optional>

#include "engine/engine.h"
#include "formats/model_source.h"
#include "models/decoder.h"
#include "text/chat_encoder.h"

namespace lathe::tasks {

// folder itself when it holds a Hugging Face model, or the one .gguf file in it, or path when it is
// a file.
Result<os::Path> model_path(const os::Path& path);

class LoadedModel {
 public:
  // path: see model_path(). parallel must outlive the model.
  static Result<std::shared_ptr<LoadedModel>> load(const os::Path& path, Parallel& parallel,
                                                   const engine::EngineOptions& options = {});

  const models::Decoder& decoder() const { return engine_->decoder(); }
  const text::Tokenizer& tokenizer() const { return engine_->tokenizer(); }
  engine::Engine& engine() const { return *engine_; }
  // Error: the model has no chat template; use completions.
  Result<const text::ChatEncoder*> chat() const;
  double load_seconds() const { return load_seconds_; }

 private:
  LoadedModel() = default;
  std::unique_ptr<engine::Engine> engine_;
  std::optional<text::ChatEncoder> chat_;
  double load_seconds_ = 0;
};

}  // namespace lathe::tasks
