#include "models/decoder.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "models/alibi.h"
#include "models/registry.h"

namespace lathe::models {
namespace {

std::vector<float> normals(std::size_t count, float deviation, std::mt19937_64& random) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& x : values) x = normal(random);
  return values;
}

bool writes_into_residual(const formats::ExpectedTensor& t) {
  using formats::Part;
  return !t.bias && (t.part == Part::o || t.part == Part::down || t.part == Part::expert_down);
}

}  // namespace

Decoder::Decoder(const formats::DecoderConfig& config, std::size_t context)
    : config_(config),
      context_(context == 0 ? static_cast<std::size_t>(formats::context_limit(config)) : context),
      rotary_(std::make_unique<Rotary>(config_, context_)),
      layout_(lay_out(config_, weights_)) {
  for (const Site& site : layout_.sites) sites_.push_back(site.name);
  if (config_.positions == formats::PositionKind::alibi)
    key_biases_ = alibi_biases(static_cast<std::size_t>(config_.heads), context_);
}

KvShape Decoder::kv_shape() const {
  return {static_cast<std::size_t>(config_.layers), static_cast<std::size_t>(config_.kv_heads),
          static_cast<std::size_t>(config_.head_dim)};
}

// Points the weights at the parameters' values and gradients.
void Decoder::bind_parameters() {
  for (std::size_t i = 0; i < layout_.slots.size(); ++i) {
    Parameter& p = parameters_[i];
    float* gradient = p.gradient.empty() ? nullptr : p.gradient.data();
    if (auto* matrix = std::get_if<ops::MatrixWeight*>(&layout_.slots[i].target)) {
      (*matrix)->f32 = p.values.data();
      (*matrix)->gradient = gradient;
    } else {
      ops::VectorWeight* vector = std::get<ops::VectorWeight*>(layout_.slots[i].target);
      vector->data = p.values.data();
      vector->gradient = gradient;
    }
  }
  if (config_.tied_embeddings) weights_.head.weight = weights_.embedding;
}

void Decoder::set_learning(Parameter& parameter, bool learns) {
  parameter.gradient.assign(learns ? parameter.values.size() : 0, 0.0f);
  bind_parameters();
}

Result<std::unique_ptr<Decoder>> Decoder::load_trainable(const formats::ModelSource& source) {
  LATHE_CHECK(find_family(source.config().family));
  std::unique_ptr<Decoder> decoder(new Decoder(source.config(), 0));
  for (const WeightSlot& slot : decoder->layout_.slots) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(slot.name));
    LATHE_TRY(std::vector<float> values, tensor::to_f32(view).at(slot.name));
    decoder->parameters_.push_back({slot.name, view.shape, std::move(values), {}});
  }
  decoder->bind_parameters();
  return decoder;
}

Result<std::unique_ptr<Decoder>> Decoder::make(const formats::DecoderConfig& config,
                                               float deviation, std::uint64_t seed) {
  LATHE_CHECK(formats::check(config));
  LATHE_CHECK(find_family(config.family));
  std::unique_ptr<Decoder> decoder(new Decoder(config, 0));
  std::mt19937_64 random(seed);
  const float residual = deviation / std::sqrt(2.0f * static_cast<float>(config.layers));
  const std::vector<formats::ExpectedTensor> tensors = formats::expected_tensors(config);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const WeightSlot& slot = decoder->layout_.slots[i];
    Parameter p;
    p.name = slot.name;
    if (const auto* matrix = std::get_if<ops::MatrixWeight*>(&slot.target)) {
      const ops::MatrixWeight& w = **matrix;
      p.shape = {static_cast<std::int64_t>(w.rows), static_cast<std::int64_t>(w.columns)};
      p.values = normals(w.rows * w.columns,
                         writes_into_residual(tensors[i]) ? residual : deviation, random);
    } else {
      const ops::VectorWeight& w = *std::get<ops::VectorWeight*>(slot.target);
      p.shape = {static_cast<std::int64_t>(w.size)};
      p.values.assign(w.size, tensors[i].bias ? 0.0f : 1.0f - w.offset);
    }
    decoder->parameters_.push_back(std::move(p));
  }
  decoder->bind_parameters();
  return decoder;
}

ops::Value Decoder::forward(ops::Run& run, const Batch& batch) const {
  const auto family = find_family(config_.family);
  LATHE_ASSERT(family.ok());  // every way to make a Decoder has checked it
  const ops::Value logits = (*family)->forward(run, *this, batch);
  for (const BatchSequence& s : batch.sequences) {
    if (s.cache != nullptr) s.cache->advance(s.count);
  }
  return logits;
}

Status Decoder::check(const Batch& batch) const {
  const std::size_t vocab = weights_.embedding.rows;
  for (const BatchSequence& s : batch.sequences) {
    const ops::MatrixWeight* prompt = s.adapters != nullptr ? s.adapters->soft_prompt : nullptr;
    const std::size_t virtual_tokens = prompt != nullptr ? prompt->rows : 0;
    for (std::size_t i = s.first; i < s.first + s.count; ++i) {
      const std::int64_t token = batch.tokens[i];
      const bool known = token >= 0 ? static_cast<std::size_t>(token) < vocab
                                    : static_cast<std::size_t>(-1 - token) < virtual_tokens;
      if (!known) {
        return Error::bad_input(
            fmt::format("token {} is not in the vocabulary of {} tokens", token, vocab));
      }
    }
  }
  for (const std::int32_t position : batch.positions) {
    if (position < 0 || static_cast<std::size_t>(position) >= context_) {
      return Error::limit(
          fmt::format("position {} is outside the context of {}", position, context_));
    }
  }
  return {};
}

}  // namespace lathe::models
