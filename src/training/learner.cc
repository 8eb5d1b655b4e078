#include "training/learner.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::training {

Learner::Learner(const models::Decoder& decoder, const models::SequenceAdapters& adapters,
                 std::vector<models::Parameter*> learning, const LearnerOptions& options,
                 Parallel& parallel)
    : decoder_(decoder),
      adapters_(adapters),
      options_(options),
      parallel_(parallel),
      optimizer_(std::move(learning), options.adamw, kernels::active()) {}

std::size_t Learner::virtual_tokens() const {
  return adapters_.soft_prompt == nullptr ? 0 : adapters_.soft_prompt->rows;
}

Status Learner::check(std::span<const Example* const> examples) const {
  const auto vocab = static_cast<std::int64_t>(decoder_.config().vocab_size);
  for (const Example* example : examples) {
    LATHE_ASSERT(example->tokens.size() == example->weights.size());
    const std::size_t rows = example->tokens.size() + virtual_tokens();
    if (rows > decoder_.context()) {
      return Error::limit(fmt::format("an example takes {} positions; the model's context has {}",
                                      rows, decoder_.context()))
          .fix_with("shorten or split the row, or choose a model with a longer context");
    }
    for (const std::int32_t token : example->tokens) {
      if (token < 0 || token >= vocab) {
        return Error::bad_input(
            fmt::format("token {} is outside the vocabulary of {}", token, vocab));
      }
    }
  }
  return {};
}

double Learner::total_weight(std::span<const Example* const> examples) const {
  double total = 0;
  for (const Example* example : examples) {
    for (std::size_t i = virtual_tokens() > 0 ? 0 : 1; i < example->weights.size(); ++i) {
      total += example->weights[i];
    }
  }
  return total;
}

double Learner::pass(std::span<const Example* const> examples, double total, bool learning) {
  models::Batch batch;
  std::vector<ops::Target> targets;
  const std::size_t prefix = virtual_tokens();
  std::vector<std::int32_t> tokens;
  for (const Example* example : examples) {
    tokens.clear();
    for (std::size_t i = 0; i < prefix; ++i) tokens.push_back(-1 - static_cast<std::int32_t>(i));
    tokens.insert(tokens.end(), example->tokens.begin(), example->tokens.end());
    models::BatchSequence& sequence = batch.add(tokens);
    sequence.adapters = &adapters_;
    for (std::size_t i = 0; i < example->tokens.size(); ++i) {
      if (example->weights[i] == 0 || prefix + i == 0) continue;
      batch.outputs.push_back(static_cast<std::int32_t>(sequence.first + prefix + i - 1));
      targets.push_back({example->tokens[i], static_cast<float>(example->weights[i] / total)});
    }
  }
  if (targets.empty()) return 0;
  arena_.reset();
  ops::Run run(kernels::active(), parallel_, arena_, learning ? &tape_ : nullptr);
  std::swap(run.pack, pack_);
  const ops::Value logits = decoder_.forward(run, batch);
  const double loss = ops::cross_entropy(run, logits, targets);
  if (learning) tape_.backward();
  std::swap(run.pack, pack_);
  return loss;
}

Result<double> Learner::passes(std::span<const Example* const> examples, bool learning) {
  LATHE_CHECK(check(examples));
  const double total = total_weight(examples);
  if (total <= 0) {
    return Error::bad_input("no token of this batch is trained on")
        .fix_with("check that the rows have answers (assistant messages or completions)");
  }
  double loss = 0;
  std::size_t first = 0;
  while (first < examples.size()) {
    std::size_t rows = 0;
    std::size_t last = first;
    while (last < examples.size()) {
      const std::size_t more = examples[last]->tokens.size() + virtual_tokens();
      if (last > first && rows + more > options_.rows_per_pass) break;
      rows += more;
      ++last;
    }
    loss += pass(examples.subspan(first, last - first), total, learning);
    first = last;
  }
  return loss;
}

Result<StepReport> Learner::step(std::span<const Example* const> examples, float learning_rate) {
  StepReport report;
  LATHE_TRY(report.loss, passes(examples, true));
  report.gradient_norm = optimizer_.step(learning_rate, options_.clip, parallel_);
  for (const Example* example : examples)
    report.tokens += example->tokens.size() + virtual_tokens();
  return report;
}

Result<double> Learner::loss(std::span<const Example* const> examples) {
  return passes(examples, false);
}

}  // namespace lathe::training
