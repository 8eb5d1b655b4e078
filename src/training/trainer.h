// The training loop: batches in a seeded order, a schedule, progress, checkpoints, resume.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "os/clock.h"
#include "os/file.h"
#include "training/data_order.h"
#include "training/learner.h"

namespace lathe::training {

struct TrainerOptions {
  LearnerOptions learner;
  Schedule schedule;                  // total_steps is how long the run goes
  std::size_t batch_tokens = 8192;    // tokens of one optimizer step, at least
  std::uint64_t seed = 1;             // of the data order
  os::Path checkpoint;                // empty: none
  std::int64_t checkpoint_every = 0;  // steps; 0: none
  std::string fingerprint;            // of model, data and method; the trainer adds its own options
};

struct Progress {
  std::int64_t step = 0;  // finished
  std::int64_t total_steps = 0;
  double loss = 0;           // of the last step
  double gradient_norm = 0;  // of the last step
  float learning_rate = 0;
  double tokens_per_second = 0;  // of the last step
  double seconds_left = 0;
  std::int64_t tokens = 0;  // in all
};

struct TrainerCallbacks {
  // After each step; returns false to stop (the run can be resumed from its checkpoint).
  std::function<bool(const Progress&)> on_step;
};

struct TrainingResult {
  std::int64_t steps = 0;
  std::int64_t resumed_from = 0;  // step of the checkpoint; 0: from the start
  std::int64_t tokens = 0;
  double loss = 0;  // mean of the last tenth of the steps of this call
  double seconds = 0;
  std::size_t working_bytes = 0;
  bool stopped = false;
};

// Runs to the end of the schedule, from the checkpoint if there is one. At the end, and when
// stopped, a checkpoint is written (if asked for).
Result<TrainingResult> train(Learner& learner, const std::vector<Example>& examples,
                             const TrainerOptions& options, const os::Clock& clock,
                             const TrainerCallbacks& callbacks);

}  // namespace lathe::training
