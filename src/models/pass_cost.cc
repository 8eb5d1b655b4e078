#include "models/pass_cost.h"

#include <algorithm>

namespace lathe::models {
namespace {

double elements(const Linear& linear) {
  return static_cast<double>(linear.weight.rows) * static_cast<double>(linear.weight.columns);
}

double bytes(const Linear& linear) {
  const ops::MatrixWeight& w = linear.weight;
  if (!w.is_packed()) return elements(linear) * sizeof(float);
  const std::size_t panels = (w.rows + kernels::kPackedLanes - 1) / kernels::kPackedLanes;
  return static_cast<double>(panels * kernels::packed_panel_bytes(w.packed.format, w.columns));
}

}  // namespace

PassCost pass_cost(const formats::DecoderConfig& config, const DecoderWeights& weights) {
  PassCost cost;
  double packed = 0, quantised = 0;
  const auto add = [&](const Linear& linear, double share) {
    cost.multiply_adds += share * elements(linear);
    cost.weight_bytes += share * bytes(linear);
    if (!linear.weight.is_packed()) return;
    packed += share * elements(linear);
    if (!kernels::has_floats(linear.weight.packed.format.form))
      quantised += share * elements(linear);
  };
  for (const DecoderLayer& layer : weights.layers) {
    for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.qkv, &layer.o, &layer.gate,
                                 &layer.up, &layer.gate_up, &layer.down, &layer.router})
      add(*linear, 1);
    const auto count = static_cast<double>(std::max<std::int64_t>(1, config.experts.count));
    const double share = static_cast<double>(config.experts.used) / count;
    for (const Expert& expert : layer.experts) {
      for (const Linear* linear : {&expert.gate, &expert.up, &expert.down}) add(*linear, share);
    }
  }
  cost.head_multiply_adds = elements(weights.head);
  cost.head_bytes = bytes(weights.head);
  cost.is_packed = packed > cost.multiply_adds / 2;
  cost.is_quantised = quantised > cost.multiply_adds / 2;
  return cost;
}

}  // namespace lathe::models
