// For this folder's tests: a small model with random weights, written to disk as a user's model
// would be, with a byte vocabulary and a chat template.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "formats/model_writer.h"
#include "models/decoder.h"
#include "os/clock.h"
#include "os/file.h"
#include "tasks/assistant.h"
#include "text/bpe_trainer.h"
#include "training/dataset.h"

namespace lathe::evaluation::testing {

inline constexpr const char* kTemplate =
    "{%- for message in messages -%}"
    "{%- if message.role not in ['system', 'user', 'assistant'] -%}"
    "{{- raise_exception('unknown role ' ~ message.role) -}}{%- endif -%}"
    "{{- '<|' ~ message.role ~ '|>' ~ message.content ~ '<|end|>' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

// Writes the model into the folder.
inline void write_tiny_model(const os::Path& folder, std::int64_t positions = 512) {
  text::BpeTrainOptions options;
  options.vocab_size = 260;
  options.special_tokens = {"<|end|>", "<|system|>", "<|user|>", "<|assistant|>"};
  options.eos_token = "<|end|>";
  const text::Tokenizer tokenizer =
      text::train_bpe(std::vector<std::string>{"a text"}, options).value();
  formats::DecoderConfig config;
  config.vocab_size = 260;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = positions;
  config.eos_ids = {0};
  // Weights large enough that answers wander instead of repeating one token.
  const auto decoder = models::Decoder::make(config, 0.35f, 17).value();
  std::vector<tensor::NamedTensor> tensors;
  for (const models::Parameter& p : decoder->parameters()) {
    tensors.push_back({p.name, tensor::view_of(p.values, p.shape)});
  }
  formats::ModelTexts texts;
  texts.tokenizer_json = tokenizer.to_tokenizer_json();
  texts.tokenizer_config_json = tokenizer.to_tokenizer_config_json();
  texts.chat_template = kTemplate;
  const Status written = formats::write_model_folder(folder, decoder->config(), tensors, texts);
  ASSERT_TRUE(written.ok()) << written.error().message();
}

inline training::Row row_of(std::string question, std::string answer, std::size_t line,
                            std::map<std::string, std::string> tags = {}) {
  training::Row row;
  row.messages = {{"user", std::move(question)}, {"assistant", std::move(answer)}};
  row.tags = std::move(tags);
  row.line = line;
  return row;
}

// A folder with the model in "model", loaded.
class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_tiny_model(folder_.path() / "model");
    auto loaded = tasks::LoadedModel::load(folder_.path() / "model", parallel_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    model_ = loaded.value();
  }

  std::shared_ptr<const tasks::Assistant> assistant(
      const std::vector<tasks::AdaptationSource>& adaptations = {}) {
    return tasks::Assistant::make(model_, adaptations).value();
  }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
  SerialParallel parallel_;
  os::SystemClock clock_;
  std::shared_ptr<tasks::LoadedModel> model_;
};

}  // namespace lathe::evaluation::testing
