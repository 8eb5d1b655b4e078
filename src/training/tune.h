// Tuning a model on a dataset: LoRA, prompt tuning, or every weight. What comes out is an artefact
// on disk (a PEFT folder, or a whole model for `full`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/peft.h"
#include "training/dataset.h"
#include "training/trainer.h"

namespace lathe::training {

enum class TuneMethod { lora, prompt, full };

// "lora", "prompt", "full".
const char* to_string(TuneMethod method);
Result<TuneMethod> parse_tune_method(std::string_view text);

struct TuneOptions {
  TuneMethod method = TuneMethod::lora;
  formats::LoraConfig lora;         // TuneMethod::lora
  std::size_t virtual_tokens = 16;  // TuneMethod::prompt
  double epochs = 4;
  std::size_t batch_rows = 8;  // rows of one optimizer step, on average
  float learning_rate = 0;     // 0: the method's usual one
  float final_rate = 0.1f;     // share of it at the last step
  double warmup = 0.05;        // share of the steps
  float weight_decay = 0.0f;
  float clip = 1.0f;
  LossPolicy loss;
  std::uint64_t seed = 1;
  os::Path checkpoint;                 // empty: none; with it the run can be resumed
  std::int64_t checkpoint_every = 50;  // steps
};

// Ranges and cross-checks; the error names the option.
Status check(const TuneOptions& options);

struct TuneReport {
  TuneMethod method = TuneMethod::lora;
  std::size_t learning_parameters = 0;
  std::size_t rows = 0;
  std::size_t tokens_per_epoch = 0;
  TrainingResult training;
  std::uint64_t artefact_bytes = 0;  // 0 when stopped before the end
};

// model: a folder or .gguf file (its weights are read as f32). base_name: what the artefact says it
// belongs to. out: a folder that holds no artefact yet. The rows go through the model's own
// template and tokenizer.
Result<TuneReport> tune(const os::Path& model, const std::string& base_name,
                        const std::vector<Row>& rows, const os::Path& out,
                        const TuneOptions& options, Parallel& parallel, const os::Clock& clock,
                        const TrainerCallbacks& callbacks = {});

}  // namespace lathe::training
