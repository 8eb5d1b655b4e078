#include "models/blocks.h"

#include <cmath>

#include "models/activation.h"

namespace lathe::models {
namespace {

struct Projections {
  ops::Value q, k, v;
};

std::size_t size(std::int64_t extent) { return static_cast<std::size_t>(extent); }

// Takes q, k and v out of the rows of a fused product (formats::FusedQkv).
Projections take_apart(Pass& pass, const ops::Value& fused) {
  const formats::DecoderConfig& c = pass.config();
  const std::size_t groups = size(c.fused_qkv.groups);
  const std::size_t q = size(c.heads) / groups * size(c.head_dim);
  const std::size_t kv = size(c.kv_heads) / groups * size(c.head_dim);
  const std::size_t stride = q + 2 * kv;
  return {ops::select_columns(pass.run(), fused, {0, q, stride, groups}),
          ops::select_columns(pass.run(), fused, {q, kv, stride, groups}),
          ops::select_columns(pass.run(), fused, {q + kv, kv, stride, groups})};
}

Projections project(Pass& pass, const DecoderLayer& layer, const ops::Value& x) {
  if (layer.qkv.exists()) return take_apart(pass, pass.linear(x, layer.qkv));
  const auto [q, k, v] = pass.linear_of_three(x, {&layer.q, &layer.k, &layer.v});
  return {q, k, v};
}

ops::Heads heads_of(const Pass& pass, std::size_t index) {
  const formats::DecoderConfig& c = pass.config();
  ops::Heads heads;
  heads.count = size(c.heads);
  heads.kv_count = size(c.kv_heads);
  heads.dim = size(c.head_dim);
  heads.scale = c.query_scale > 0 ? static_cast<float>(c.query_scale)
                                  : 1.0f / std::sqrt(static_cast<float>(c.head_dim));
  if (c.scores_by_layer) heads.scale /= static_cast<float>(index + 1);
  heads.window = size(formats::window_of(c, index));
  heads.softcap = static_cast<float>(c.attention_softcap);
  if (!pass.key_biases().empty()) {
    heads.key_bias = pass.key_biases().data();
    heads.bias_stride = pass.key_biases().size() / heads.count;
  }
  return heads;
}

// What goes into the last product of an MLP.
ops::Value inner(Pass& pass, const DecoderLayer& layer, const ops::Value& x) {
  const formats::DecoderConfig& c = pass.config();
  if (layer.gate_up.exists()) {
    const std::size_t width = size(c.intermediate_size);
    const ops::Value both = pass.linear(x, layer.gate_up);
    const ops::Value gate = ops::select_columns(pass.run(), both, {0, width, 0, 1});
    const ops::Value up = ops::select_columns(pass.run(), both, {width, width, 0, 1});
    return ops::gated(pass.run(), gate, &up, kernel_of(c.activation));
  }
  if (!layer.gate.exists())
    return ops::gated(pass.run(), pass.linear(x, layer.up), nullptr, kernel_of(c.activation));
  const ops::Value gate = pass.linear(x, layer.gate);
  const ops::Value up = pass.linear(x, layer.up);
  return ops::gated(pass.run(), gate, &up, kernel_of(c.activation));
}

ops::Value run_expert(Pass& pass, const Expert& expert, const ops::Value& x,
                      std::span<const std::int32_t> rows) {
  const ops::Value taken = ops::select_rows(pass.run(), x, rows);
  const ops::Value gate = pass.linear_of_rows(taken, expert.gate, rows);
  const ops::Value up = pass.linear_of_rows(taken, expert.up, rows);
  const ops::Value mid = ops::gated(pass.run(), gate, &up, kernel_of(pass.config().activation));
  return pass.linear_of_rows(mid, expert.down, rows);
}

// The rows that go to each expert, and the slot of their weight.
std::vector<ops::ExpertOutput> sort_by_expert(const ops::Routing& routing, std::size_t experts) {
  std::vector<ops::ExpertOutput> sorted(experts);
  for (std::size_t i = 0; i < routing.chosen.size(); ++i) {
    ops::ExpertOutput& output = sorted[static_cast<std::size_t>(routing.chosen[i])];
    output.rows.push_back(static_cast<std::int32_t>(i / routing.used));
    output.slots.push_back(static_cast<std::int32_t>(i % routing.used));
  }
  return sorted;
}

ops::Value mix_experts(Pass& pass, const DecoderLayer& layer, const ops::Value& x,
                       const ops::Value& residual) {
  const formats::ExpertsConfig& config = pass.config().experts;
  const ops::Routing routing =
      ops::route(pass.run(), pass.linear(x, layer.router), size(config.used), config.normalised);
  std::vector<ops::ExpertOutput> outputs;
  std::vector<ops::ExpertOutput> sorted = sort_by_expert(routing, layer.experts.size());
  for (std::size_t e = 0; e < sorted.size(); ++e) {
    if (sorted[e].rows.empty()) continue;
    sorted[e].value = run_expert(pass, layer.experts[e], x, sorted[e].rows);
    outputs.push_back(std::move(sorted[e]));
  }
  return ops::combine(pass.run(), residual, routing.weights, std::move(outputs));
}

}  // namespace

ops::Value attention_block(Pass& pass, const DecoderLayer& layer, std::size_t index,
                           const ops::Value& x, const ops::Value* residual) {
  Projections p = project(pass, layer, x);
  if (layer.q_norm.weight.size > 0) {
    p.q = pass.rms_norm(p.q, layer.q_norm);
    p.k = pass.rms_norm(p.k, layer.k_norm);
  }
  if (pass.config().positions == formats::PositionKind::rotary) {
    pass.rotate(p.q, index);
    pass.rotate(p.k, index);
  }
  return pass.linear(pass.attention(p.q, p.k, p.v, heads_of(pass, index), index), layer.o,
                     residual);
}

ops::Value mlp_block(Pass& pass, const DecoderLayer& layer, const ops::Value& x,
                     const ops::Value* residual) {
  if (layer.router.exists()) {
    LATHE_ASSERT(residual != nullptr);  // no family normalises what experts made
    return mix_experts(pass, layer, x, *residual);
  }
  if (layer.gate.exists() && pass.is_plain(layer.gate) && pass.is_plain(layer.up))
    return pass.mlp(x, layer, residual);
  return pass.linear(inner(pass, layer, x), layer.down, residual);
}

}  // namespace lathe::models
