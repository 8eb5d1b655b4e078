// The ways of adapting a model that are compared, and what a comparison comes to. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/evaluate.h"
#include "retrieval/chunker.h"
#include "training/tune.h"

namespace lathe::evaluation {

enum class Way {
  zero_shot,          // the model as it is
  few_shot,           // training rows like the question, shown as earlier turns
  retrieval,          // passages of the documents in the prompt
  prompt_tuning,      // a soft prompt learned from the training rows
  lora,               // low-rank updates learned from the training rows
  lora_retrieval,     // that LoRA, and passages in the prompt
  lora_on_retrieval,  // a LoRA that learned from the training rows with their passages
};
inline constexpr Way kAllWays[] = {Way::zero_shot,        Way::few_shot, Way::retrieval,
                                   Way::prompt_tuning,    Way::lora,     Way::lora_retrieval,
                                   Way::lora_on_retrieval};

// "zero-shot", "few-shot", "retrieval", "prompt-tuning", "lora", "lora+retrieval",
// "lora-on-retrieval".
const char* to_string(Way way);
// Error: bad_input that lists the names.
Result<Way> parse_way(std::string_view name);
// One sentence on what the way does.
const char* describe(Way way);

bool uses_documents(Way way);
bool uses_training(Way way);  // learns weights
bool uses_examples(Way way);  // shows training rows

// What retrieval puts into a prompt.
struct Reading {
  std::size_t passages = 3;
  std::size_t chunk_words = 60;  // of a passage, about
};

// How a reading did on training rows (reading.h).
struct ReadingTrial {
  Reading reading;
  std::size_t right = 0;
  std::size_t rows = 0;
  double prompt_tokens = 0;  // mean
};

struct CompareOptions {
  std::vector<Way> ways;     // empty: all that the data allow
  std::size_t shots = 4;     // examples of few-shot
  std::size_t passages = 3;  // of retrieval
  retrieval::ChunkOptions chunking = {.words = 60, .overlap_words = 0};
  bool choose_reading =
      false;  // passages and chunking are chosen on training rows, if there are any
  training::TuneOptions lora = lora_defaults();
  training::TuneOptions prompt_tuning = prompt_tuning_defaults();
  EvaluateOptions evaluate;

  void set(const Reading& reading) {
    passages = reading.passages;
    chunking.words = reading.chunk_words;
  }

  // Rank 8 on every matrix of a block.
  static training::TuneOptions lora_defaults();
  static training::TuneOptions prompt_tuning_defaults();
};

// What learning took.
struct TrainingCost {
  double seconds = 0;
  // Activations, gradients, optimizer state and the frozen weights in f32.
  std::uint64_t peak_bytes = 0;
  std::size_t learned_parameters = 0;
  std::int64_t steps = 0;
  double loss = 0;  // at the end
};

struct WayResult {
  Way way = Way::zero_shot;
  std::optional<Error> error;  // set: it could not be tried, and nothing below but the way is
  Evaluation evaluation;
  std::vector<tasks::AdaptationSource> adaptations;  // what is put onto the model
  std::uint64_t artefact_bytes = 0;                  // of them on disk
  std::optional<TrainingCost> training;              // of what learned
};

struct Recommendation {
  Way way = Way::zero_shot;
  std::string reason;  // sentences with the numbers
};

struct Comparison {
  std::string model;
  std::size_t training_rows = 0;
  std::size_t test_rows = 0;
  std::size_t leaked_rows = 0;  // test rows whose prompt stands among the training rows, too
  std::size_t documents = 0;
  std::size_t passages = 0;                      // that they were cut into
  CompareOptions options;                        // with the reading that was chosen
  std::vector<ReadingTrial> readings;            // what it was chosen from; empty: it was given
  std::vector<WayResult> ways;                   // in the order of kAllWays
  std::optional<Recommendation> recommendation;  // none when no way could be tried
  double seconds = 0;
};

}  // namespace lathe::evaluation
