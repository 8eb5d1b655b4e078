#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lathe::training {
namespace {

constexpr std::size_t kSlice = 1 << 16;  // floats that one task updates

std::size_t slices(std::size_t n) { return (n + kSlice - 1) / kSlice; }

// Sum of squares in slices added in order: the same for any number of threads.
double squared_norm(const std::vector<float>& x, const kernels::Table& table, Parallel& parallel) {
  std::vector<double> sums(slices(x.size()));
  parallel.run(sums.size(), [&](std::size_t i) {
    sums[i] = table.sum_of_squares(x.data() + i * kSlice, std::min(kSlice, x.size() - i * kSlice));
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

AdamW::AdamW(std::vector<models::Parameter*> parameters, const AdamWOptions& options,
             const kernels::Table& table)
    : parameters_(std::move(parameters)), options_(options), table_(table) {
  for (const models::Parameter* p : parameters_) {
    LATHE_ASSERT(p->gradient.size() == p->values.size());
    moments_.push_back(
        {std::vector<float>(p->values.size()), std::vector<float>(p->values.size())});
  }
}

double AdamW::step(float learning_rate, float clip, Parallel& parallel) {
  double squares = 0;
  for (const models::Parameter* p : parameters_)
    squares += squared_norm(p->gradient, table_, parallel);
  const double norm = std::sqrt(squares);
  ++steps_;
  kernels::AdamWStep step;
  step.learning_rate = learning_rate;
  step.beta1 = options_.beta1;
  step.beta2 = options_.beta2;
  step.epsilon = options_.epsilon;
  const auto t = static_cast<double>(steps_);
  step.bias_correction1 =
      static_cast<float>(1.0 - std::pow(static_cast<double>(options_.beta1), t));
  step.bias_correction2 =
      static_cast<float>(1.0 - std::pow(static_cast<double>(options_.beta2), t));
  // As torch.nn.utils.clip_grad_norm_: the coefficient is clip / (norm + 1e-6), at most 1.
  if (clip > 0) step.gradient_scale = std::min(1.0f, static_cast<float>(clip / (norm + 1e-6)));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    models::Parameter& p = *parameters_[i];
    step.weight_decay =
        p.shape.size() >= 2 || options_.decay_vectors ? options_.weight_decay : 0.0f;
    parallel.run(slices(p.values.size()), [&](std::size_t slice) {
      const std::size_t at = slice * kSlice;
      const std::size_t n = std::min(kSlice, p.values.size() - at);
      table_.adamw(step, p.gradient.data() + at, n, p.values.data() + at,
                   moments_[i].first.data() + at, moments_[i].second.data() + at);
      std::fill_n(p.gradient.data() + at, n, 0.0f);
    });
  }
  return norm;
}

float Schedule::at(std::int64_t step) const {
  if (step < warmup_steps)
    return peak * static_cast<float>(step + 1) / static_cast<float>(warmup_steps);
  if (shape == Shape::constant) return peak;
  const auto rest = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  const double done = std::min(1.0, static_cast<double>(step - warmup_steps) / rest);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
  return peak * static_cast<float>(floor + (1 - floor) * cosine);
}

}  // namespace lathe::training
