// AdamW (Loshchilov & Hutter 2019) over a list of parameters, and the learning-rate schedule.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "kernels/table.h"
#include "models/decoder.h"

namespace lathe::training {

struct AdamWOptions {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.01f;
  bool decay_vectors = true;  // false: norms and other vectors are not decayed
};

// First and second moments of one parameter.
struct Moments {
  std::vector<float> first, second;
};

class AdamW {
 public:
  // The parameters must outlive the optimizer; each has a gradient.
  AdamW(std::vector<models::Parameter*> parameters, const AdamWOptions& options,
        const kernels::Table& table);

  // Scales gradients down to a norm of `clip` where they exceed it (0: never), updates, and clears
  // the gradients. Returns the norm before clipping.
  double step(float learning_rate, float clip, Parallel& parallel);

  std::span<models::Parameter* const> parameters() const { return parameters_; }
  std::vector<Moments>& moments() { return moments_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  std::vector<models::Parameter*> parameters_;
  AdamWOptions options_;
  const kernels::Table& table_;
  std::vector<Moments> moments_;
  std::int64_t steps_ = 0;
};

// Linear warm-up to `peak`, then a half cosine down to peak * floor at the last step (Loshchilov &
// Hutter 2017), or constant.
struct Schedule {
  enum class Shape { cosine, constant };
  Shape shape = Shape::cosine;
  float peak = 1e-3f;
  float floor = 0.1f;  // share of the peak
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 1;

  // step counts from 0.
  float at(std::int64_t step) const;
};

}  // namespace lathe::training
