// Pre-training from nothing: a vocabulary from the data, a model of a given shape, the run, the
// model folder.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/decoder_config.h"
#include "text/bpe_trainer.h"
#include "training/dataset.h"
#include "training/trainer.h"

namespace lathe::training {

// A pre-training recipe, read from a JSON file; docs/training.md explains each field. Unknown
// fields and values out of range are errors that name them.
struct PretrainConfig {
  text::BpeTrainOptions vocabulary;
  std::uint64_t vocabulary_sample_bytes = 20'000'000;  // of text that the vocabulary is made from
  std::string pad_token;
  std::string chat_template;     // its text; the recipe names a file beside it
  formats::DecoderConfig model;  // vocab_size and token ids are set by the vocabulary
  float init_deviation = 0.02f;
  LossPolicy loss;
  double epochs = 1;
  TrainerOptions trainer;  // total_steps is set from epochs
};

Result<PretrainConfig> read_pretrain_config(const os::Path& path);

struct PretrainReport {
  std::size_t parameters = 0;
  std::size_t rows = 0;
  std::size_t tokens_per_epoch = 0;
  TrainingResult training;
};

struct PretrainCallbacks {
  // What is being done now: "training the vocabulary", ….
  std::function<void(const std::string&)> on_stage;
  TrainerCallbacks trainer;
};

// What a run starts from and where it goes.
struct PretrainPaths {
  std::vector<os::Path> data;  // JSONL files
  os::Path out;                // folder of the new model
  // A model whose weights, shape and vocabulary the run starts from (the recipe's are then not
  // used); empty: from nothing.
  os::Path from;
};

// Writes a Hugging Face folder to `out`, which must not hold a model yet. The vocabulary and the
// checkpoint stand in `out`, too, until the model is written, so that the same command resumes a
// run that was stopped.
Result<PretrainReport> pretrain(const PretrainConfig& config, const PretrainPaths& paths,
                                Parallel& parallel, const os::Clock& clock,
                                const PretrainCallbacks& callbacks);

}  // namespace lathe::training
