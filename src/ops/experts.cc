// Mixtures of experts (Shazeer et al. 2017): the choice of experts by row, and the weighted sum of
// what they made. A row's result depends on its own choice alone, whatever else is in the batch.
#include <algorithm>
#include <numeric>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

using Chosen = std::vector<std::int32_t>;

// The `used` greatest of `count` values, the greatest first, of equal ones the first.
void choose(const float* values, std::size_t count, std::size_t used, std::int32_t* out) {
  std::vector<std::int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(used), order.end(),
                    [values](std::int32_t a, std::int32_t b) {
                      return values[a] != values[b] ? values[a] > values[b] : a < b;
                    });
  std::copy_n(order.begin(), used, out);
}

// Of one row, from the gradient of its weights w_j = p_j / s (s = 1 when not normalised) to that of
// its logits: dp_j = (dw_j - sum(dw w)) / s, then through the softmax.
void row_backward(const float* p, std::size_t experts, const std::int32_t* chosen, std::size_t used,
                  bool normalised, const float* dw, float* dlogits) {
  std::vector<float> dp(experts);
  float sum = 1, shared = 0;
  if (normalised) {
    sum = 0;
    for (std::size_t j = 0; j < used; ++j) sum += p[chosen[j]];
    for (std::size_t j = 0; j < used; ++j) shared += dw[j] * p[chosen[j]] / sum;
  }
  for (std::size_t j = 0; j < used; ++j)
    dp[static_cast<std::size_t>(chosen[j])] = (dw[j] - shared) / sum;
  float mean = 0;
  for (std::size_t e = 0; e < experts; ++e) mean += p[e] * dp[e];
  for (std::size_t e = 0; e < experts; ++e) dlogits[e] += p[e] * (dp[e] - mean);
}

}  // namespace

Routing route(Run& run, const Value& logits, std::size_t used, bool normalised) {
  const std::size_t experts = logits.columns;
  LATHE_ASSERT(used > 0 && used <= experts);
  Routing routing;
  routing.used = used;
  routing.chosen.resize(logits.rows * used);
  routing.weights = run.make(logits.rows, used, logits.id >= 0);
  float* probabilities = run.arena.floats(logits.size());
  std::copy_n(logits.data, logits.size(), probabilities);
  for (std::size_t i = 0; i < logits.rows; ++i) {
    float* p = probabilities + i * experts;
    run.table.softmax(p, 1, experts);
    std::int32_t* chosen = routing.chosen.data() + i * used;
    choose(p, experts, used, chosen);
    float sum = 0;
    for (std::size_t j = 0; j < used; ++j) sum += p[chosen[j]];
    for (std::size_t j = 0; j < used; ++j)
      routing.weights.row(i)[j] = normalised ? p[chosen[j]] / sum : p[chosen[j]];
  }
  if (routing.weights.id >= 0) {
    run.tape->record(routing.weights.id, [&run, logits, used, normalised, probabilities,
                                          weights = routing.weights, chosen = routing.chosen] {
      const float* dw = run.tape->gradient(weights.id);
      float* dlogits = run.tape->gradient(logits.id);
      for (std::size_t i = 0; i < logits.rows; ++i) {
        row_backward(probabilities + i * logits.columns, logits.columns, chosen.data() + i * used,
                     used, normalised, dw + i * used, dlogits + i * logits.columns);
      }
    });
  }
  return routing;
}

Value combine(Run& run, const Value& x, const Value& weights, std::vector<ExpertOutput> outputs) {
  bool learns = x.id >= 0 || weights.id >= 0;
  for (const ExpertOutput& output : outputs) learns = learns || output.value.id >= 0;
  const Value y = run.make(x.rows, x.columns, learns);
  std::copy_n(x.data, x.size(), y.data);
  const auto weight_of = [weights](const ExpertOutput& output, std::size_t i) {
    return static_cast<std::size_t>(output.rows[i]) * weights.columns +
           static_cast<std::size_t>(output.slots[i]);
  };
  for (const ExpertOutput& output : outputs) {
    for (std::size_t i = 0; i < output.rows.size(); ++i) {
      run.table.add_scaled(output.value.row(i), weights.data[weight_of(output, i)], y.columns,
                           y.row(static_cast<std::size_t>(output.rows[i])));
    }
  }
  if (y.id < 0) return y;
  run.tape->record(y.id, [&run, x, weights, y, weight_of, outputs = std::move(outputs)] {
    const float* dy = run.tape->gradient(y.id);
    for (const ExpertOutput& output : outputs) {
      for (std::size_t i = 0; i < output.rows.size(); ++i) {
        const float* row = dy + static_cast<std::size_t>(output.rows[i]) * y.columns;
        const std::size_t at = weight_of(output, i);
        if (output.value.id >= 0)
          run.table.add_scaled(row, weights.data[at], y.columns,
                               run.tape->gradient(output.value.id) + i * y.columns);
        if (weights.id >= 0)
          run.tape->gradient(weights.id)[at] +=
              std::inner_product(row, row + y.columns, output.value.row(i), 0.0f);
      }
    }
    if (x.id >= 0) run.table.add_scaled(dy, 1, y.size(), run.tape->gradient(x.id));
  });
  return y;
}

}  // namespace lathe::ops
