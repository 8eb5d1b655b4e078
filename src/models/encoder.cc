#include "models/encoder.h"

#include <fmt/format.h>

#include <cmath>

#include "models/activation.h"

namespace lathe::models {
namespace {

using formats::EncoderPart;

// Exactly one is set.
struct Target {
  ops::MatrixWeight* table = nullptr;
  Linear* linear = nullptr;
  Norm* norm = nullptr;
};

Target target_of(EncoderWeights& w, const formats::EncoderTensor& tensor) {
  EncoderLayer* layer = tensor.layer >= 0 ? &w.layers[extent(tensor.layer)] : nullptr;
  switch (tensor.part) {
    case EncoderPart::token_embedding:
      return {.table = &w.tokens};
    case EncoderPart::position_embedding:
      return {.table = &w.positions};
    case EncoderPart::type_embedding:
      return {.table = &w.types};
    case EncoderPart::embedding_norm:
      return {.norm = &w.norm};
    case EncoderPart::q:
      return {.linear = &layer->q};
    case EncoderPart::k:
      return {.linear = &layer->k};
    case EncoderPart::v:
      return {.linear = &layer->v};
    case EncoderPart::o:
      return {.linear = &layer->o};
    case EncoderPart::attention_norm:
      return {.norm = &layer->attention_norm};
    case EncoderPart::up:
      return {.linear = &layer->up};
    case EncoderPart::down:
      return {.linear = &layer->down};
    case EncoderPart::mlp_norm:
      return {.norm = &layer->mlp_norm};
  }
  return {};
}

// What the passes of all layers read.
struct EncoderPass {
  ops::Run& run;
  const formats::EncoderConfig& config;
  const EncoderBatch& batch;
};

ops::Value linear(EncoderPass& pass, const ops::Value& x, const Linear& linear,
                  const ops::Value* residual = nullptr) {
  return ops::linear(pass.run, x, linear.weight, {.bias = &linear.bias, .residual = residual});
}

ops::Value norm(EncoderPass& pass, const ops::Value& x, const Norm& norm) {
  const auto epsilon = static_cast<float>(pass.config.norm_eps);
  return ops::layer_norm(pass.run, x, norm.weight, norm.bias, epsilon);
}

ops::Value embed(EncoderPass& pass, const EncoderWeights& weights) {
  const EncoderBatch& batch = pass.batch;
  ops::Value x = ops::embed(pass.run, weights.tokens, batch.tokens, {});
  if (weights.types.rows > 0)
    x = ops::add(pass.run, x, ops::embed(pass.run, weights.types, batch.types, {}));
  x = ops::add(pass.run, x, ops::embed(pass.run, weights.positions, batch.positions, {}));
  return norm(pass, x, weights.norm);
}

ops::Value attention(EncoderPass& pass, const EncoderLayer& layer, const ops::Value& x) {
  ops::Heads heads;
  heads.count = heads.kv_count = extent(pass.config.heads);
  heads.dim = x.columns / heads.count;
  heads.scale = 1.0f / std::sqrt(static_cast<float>(heads.dim));
  heads.causal = false;
  // One after the other, so that the tape's order does not depend on the compiler's.
  const ops::Value q = linear(pass, x, layer.q);
  const ops::Value k = linear(pass, x, layer.k);
  const ops::Value v = linear(pass, x, layer.v);
  return ops::attention(pass.run, q, k, v, heads, pass.batch.texts);
}

ops::Value layer_forward(EncoderPass& pass, const EncoderLayer& layer, const ops::Value& x) {
  const ops::Value read =
      norm(pass, linear(pass, attention(pass, layer, x), layer.o, &x), layer.attention_norm);
  const ops::Value inner = ops::gated(pass.run, linear(pass, read, layer.up), nullptr,
                                      kernel_of(pass.config.activation));
  return norm(pass, linear(pass, inner, layer.down, &read), layer.mlp_norm);
}

}  // namespace

Encoder::Encoder(const formats::EncoderConfig& config) : config_(config) {
  weights_.layers.resize(extent(config.layers));
}

Result<std::unique_ptr<Encoder>> Encoder::load(const formats::EncoderSource& source,
                                               Parallel& parallel) {
  std::unique_ptr<Encoder> encoder(new Encoder(source.config()));
  for (const formats::EncoderTensor& wanted : formats::expected_tensors(source.config())) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(wanted.name));
    LATHE_CHECK(
        encoder->load_tensor(wanted, view, parallel).at(wanted.name).at(source.path().string()));
  }
  return encoder;
}

Status Encoder::load_tensor(const formats::EncoderTensor& wanted, const tensor::TensorView& view,
                            Parallel& parallel) {
  const Target target = target_of(weights_, wanted);
  if (wanted.bias || target.norm != nullptr) {
    ops::VectorWeight& vector = target.linear != nullptr ? target.linear->bias
                                : wanted.bias            ? target.norm->bias
                                                         : target.norm->weight;
    vector.size = extent(wanted.shape[0]);
    LATHE_TRY(vector.data, store_.keep_f32(view));
    return {};
  }
  ops::MatrixWeight& matrix = target.table != nullptr ? *target.table : target.linear->weight;
  matrix.rows = extent(wanted.shape[0]);
  matrix.columns = extent(wanted.shape[1]);
  if (target.linear != nullptr) return store_.keep_matrix(view, parallel, matrix);
  LATHE_TRY(matrix.f32, store_.keep_f32(view));
  return {};
}

Status Encoder::check(std::span<const std::int32_t> tokens) const {
  if (tokens.empty()) return Error::bad_input("a text without tokens has no embedding");
  const std::int64_t most = formats::max_tokens(config_);
  if (static_cast<std::int64_t>(tokens.size()) > most)
    return Error::limit(
        fmt::format("the text has {} tokens, the model takes {}", tokens.size(), most));
  for (const std::int32_t token : tokens) {
    if (token < 0 || token >= config_.vocab_size)
      return Error::bad_input(
          fmt::format("token {} is not in the vocabulary of {} tokens", token, config_.vocab_size));
  }
  return {};
}

void Encoder::add(EncoderBatch& batch, const std::vector<std::int32_t>& tokens) const {
  const std::size_t first = batch.tokens.size();
  const std::vector<std::int32_t> positions = formats::positions_of(config_, tokens);
  batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
  batch.positions.insert(batch.positions.end(), positions.begin(), positions.end());
  batch.types.resize(batch.tokens.size(), 0);
  batch.texts.push_back({first, batch.tokens.size()});
}

ops::Value Encoder::forward(ops::Run& run, const EncoderBatch& batch) const {
  EncoderPass pass = {run, config_, batch};
  ops::Value x = embed(pass, weights_);
  for (const EncoderLayer& layer : weights_.layers) x = layer_forward(pass, layer, x);
  return x;
}

}  // namespace lathe::models
