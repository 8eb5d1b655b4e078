// One optimizer step at a time: packs examples into passes of bounded size, runs forward and
// backward, clips, updates. Deterministic: the same examples and rates give the same bits, for any
// number of threads.
#pragma once

#include <span>
#include <vector>

#include "base/parallel.h"
#include "models/decoder.h"
#include "training/example.h"
#include "training/optimizer.h"

namespace lathe::training {

struct LearnerOptions {
  AdamWOptions adamw;
  float clip = 1.0f;  // gradient norm; 0: none
  std::size_t rows_per_pass =
      1024;  // one pass through the model takes at most this many rows (or one example)
};

struct StepReport {
  double loss = 0;           // weighted mean over the batch's trained tokens
  double gradient_norm = 0;  // before clipping
  std::size_t tokens = 0;    // rows that went through the model
};

class Learner {
 public:
  // decoder: loaded for training. learning: the parameters that change (of the decoder or of the
  // adapter behind `adapters`), each with a gradient. All must outlive the learner.
  Learner(const models::Decoder& decoder, const models::SequenceAdapters& adapters,
          std::vector<models::Parameter*> learning, const LearnerOptions& options,
          Parallel& parallel);

  // Errors: bad_input (no trained token in the batch, a token outside the vocabulary), limit (an
  // example longer than the context). On an error nothing has changed.
  Result<StepReport> step(std::span<const Example* const> examples, float learning_rate);

  // The weighted mean loss, without learning.
  Result<double> loss(std::span<const Example* const> examples);

  AdamW& optimizer() { return optimizer_; }
  // Bytes held for activations and gradients.
  std::size_t working_bytes() const { return arena_.bytes() + tape_.pool_bytes(); }

 private:
  Status check(std::span<const Example* const> examples) const;
  double total_weight(std::span<const Example* const> examples) const;
  // The sum of weighted losses of one pass, divided by total; with gradients when learning.
  double pass(std::span<const Example* const> examples, double total, bool learning);
  Result<double> passes(std::span<const Example* const> examples, bool learning);
  std::size_t virtual_tokens() const;

  const models::Decoder& decoder_;
  models::SequenceAdapters adapters_;
  LearnerOptions options_;
  Parallel& parallel_;
  AdamW optimizer_;
  tensor::Arena arena_;
  ops::Tape tape_;
  kernels::PackBuffer pack_;
};

}  // namespace lathe::training
