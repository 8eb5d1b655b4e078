// An encoder in memory with its tokenizer: from texts to vectors, as the model's own files say
// (formats/embedding_config.h).
//
// Thread-safe: immutable; embed() may run on several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/encoder.h"
#include "os/file.h"
#include "text/tokenizer.h"

namespace lathe::tasks {

// What a user may choose over the files' word, or where they say nothing.
struct EmbedderOptions {
  std::optional<formats::Pooling> pooling;
  std::optional<bool> normalised;
};

struct TextOptions {
  // The name of one of the model's prompts, put before the text; nothing: the model's default one,
  // where it has any.
  std::optional<std::string> prompt;
  // Cuts a text that is too long, where it would be an error; the tokens that the tokenizer adds
  // around it stay.
  bool truncate = false;
};

class Embedder {
 public:
  // path: see tasks::model_path(). parallel must outlive the embedder. Errors: those of opening the
  // model; unsupported when neither files nor options say how states become a vector.
  static Result<std::shared_ptr<const Embedder>> load(const os::Path& path, Parallel& parallel,
                                                      const EmbedderOptions& options = {});

  // How it makes vectors; pooling is there.
  const formats::EmbeddingConfig& config() const { return config_; }
  const models::Encoder& encoder() const { return *encoder_; }
  // Values of a vector.
  std::size_t width() const { return static_cast<std::size_t>(encoder_->config().hidden_size); }

  // With those that the tokenizer adds. Errors: limit (too long, with both counts); bad_input (no
  // such prompt; a text that gives no token).
  Result<std::vector<std::int32_t>> tokens_of(std::string_view text,
                                              const TextOptions& options = {}) const;

  // One vector of width() values a text, in order: bit by bit the same whatever else is asked for
  // with it. Errors: those of models::Encoder::check(), naming the text's number from 0.
  Result<std::vector<std::vector<float>>> embed(
      std::span<const std::vector<std::int32_t>> texts) const;

 private:
  Embedder(text::Tokenizer tokenizer, Parallel& parallel)
      : tokenizer_(std::move(tokenizer)), parallel_(parallel) {}

  std::unique_ptr<models::Encoder> encoder_;
  text::Tokenizer tokenizer_;
  formats::EmbeddingConfig config_;
  Parallel& parallel_;
};

}  // namespace lathe::tasks
