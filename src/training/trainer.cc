#include "training/trainer.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/table.h"
#include "training/checkpoint.h"

namespace lathe::training {
namespace {

std::string fingerprint_of(const TrainerOptions& o, std::size_t examples) {
  const AdamWOptions& a = o.learner.adamw;
  return fmt::format(
      "{}|kernels={}|rows={}|batch={}|seed={}|examples={}|clip={}|adamw={},{},{},{},{}|"
      "schedule={},{},{},{},{}",
      o.fingerprint, kernels::active().name, o.learner.rows_per_pass, o.batch_tokens, o.seed,
      examples, o.learner.clip, a.beta1, a.beta2, a.epsilon, a.weight_decay, a.decay_vectors,
      static_cast<int>(o.schedule.shape), o.schedule.peak, o.schedule.floor,
      o.schedule.warmup_steps, o.schedule.total_steps);
}

class Run {
 public:
  Run(Learner& learner, const std::vector<Example>& examples, const TrainerOptions& options,
      const os::Clock& clock, const TrainerCallbacks& callbacks)
      : learner_(learner),
        options_(options),
        clock_(clock),
        callbacks_(callbacks),
        order_(examples, options.batch_tokens, options.seed) {
    state_.fingerprint = fingerprint_of(options, examples.size());
  }

  Result<TrainingResult> go() {
    LATHE_CHECK(resume());
    start_ = clock_.seconds();
    while (state_.step < options_.schedule.total_steps && !result_.stopped) {
      LATHE_CHECK(one_step());
      if (options_.checkpoint_every > 0 && state_.step % options_.checkpoint_every == 0)
        LATHE_CHECK(save());
    }
    LATHE_CHECK(save());
    result_.steps = state_.step;
    result_.tokens = state_.tokens;
    result_.seconds = clock_.seconds() - start_;
    result_.loss = last_losses();
    result_.working_bytes = learner_.working_bytes();
    return result_;
  }

 private:
  Status resume() {
    std::error_code ignored;
    if (options_.checkpoint.empty() || !std::filesystem::exists(options_.checkpoint, ignored))
      return {};
    LATHE_TRY(state_,
              load_checkpoint(options_.checkpoint, state_.fingerprint, learner_.optimizer()));
    order_.seek(state_.cursor);
    result_.resumed_from = state_.step;
    return {};
  }

  Status save() {
    if (options_.checkpoint.empty()) return {};
    state_.cursor = order_.cursor();
    return save_checkpoint(options_.checkpoint, state_, learner_.optimizer());
  }

  Status one_step() {
    const float rate = options_.schedule.at(state_.step);
    const auto batch = order_.next();
    const double before = clock_.seconds();
    LATHE_TRY(const StepReport report, learner_.step(batch, rate));
    const double seconds = std::max(1e-9, clock_.seconds() - before);
    ++state_.step;
    state_.tokens += static_cast<std::int64_t>(report.tokens);
    losses_.push_back(report.loss);
    Progress p;
    p.step = state_.step;
    p.total_steps = options_.schedule.total_steps;
    p.loss = report.loss;
    p.gradient_norm = report.gradient_norm;
    p.learning_rate = rate;
    p.tokens_per_second = static_cast<double>(report.tokens) / seconds;
    const double done = static_cast<double>(state_.step - result_.resumed_from);
    p.seconds_left =
        (clock_.seconds() - start_) / done * static_cast<double>(p.total_steps - p.step);
    p.tokens = state_.tokens;
    if (callbacks_.on_step && !callbacks_.on_step(p)) result_.stopped = true;
    return {};
  }

  double last_losses() const {
    if (losses_.empty()) return 0;
    const std::size_t count = std::max<std::size_t>(1, losses_.size() / 10);
    double sum = 0;
    for (std::size_t i = losses_.size() - count; i < losses_.size(); ++i) sum += losses_[i];
    return sum / static_cast<double>(count);
  }

  Learner& learner_;
  const TrainerOptions& options_;
  const os::Clock& clock_;
  const TrainerCallbacks& callbacks_;
  DataOrder order_;
  CheckpointState state_;
  TrainingResult result_;
  std::vector<double> losses_;
  double start_ = 0;
};

}  // namespace

Result<TrainingResult> train(Learner& learner, const std::vector<Example>& examples,
                             const TrainerOptions& options, const os::Clock& clock,
                             const TrainerCallbacks& callbacks) {
  if (examples.empty()) return Error::bad_input("there are no examples to train on");
  return Run(learner, examples, options, clock, callbacks).go();
}

}  // namespace lathe::training
