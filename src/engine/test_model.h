// For this folder's tests: a small model with random weights, a byte vocabulary, and adapters of
// several tenants.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/request.h"
#include "formats/model_writer.h"
#include "models/decoder.h"
#include "tensor/testing/typed_bytes.h"
#include "text/bpe_trainer.h"

namespace lathe::engine::testing {

inline formats::DecoderConfig tiny_config(std::int64_t positions = 256) {
  formats::DecoderConfig config;
  config.vocab_size = 260;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = positions;
  return config;
}

// Weights large enough that answers wander instead of repeating one token.
inline std::shared_ptr<const models::Decoder> tiny_decoder(std::int64_t positions = 256) {
  return std::shared_ptr<const models::Decoder>(
      models::Decoder::make(tiny_config(positions), 0.35f, 17).value());
}

// Trained with 64 positions under dynamic scaling; otherwise the scaling says it.
inline std::shared_ptr<const models::Decoder> tiny_decoder(formats::RopeScaling scaling) {
  formats::DecoderConfig config = tiny_config();
  if (scaling.kind == formats::RopeScaling::Kind::dynamic) config.max_positions = 64;
  config.rope.scaling = std::move(scaling);
  return std::shared_ptr<const models::Decoder>(models::Decoder::make(config, 0.35f, 17).value());
}

// Its matrices in a type of files and packed, as a model's are that somebody serves; wider, so that
// rows are whole blocks.
inline std::shared_ptr<const models::Decoder> packed_decoder(tensor::DType dtype) {
  formats::DecoderConfig config = tiny_config();
  config.hidden_size = 64;
  config.intermediate_size = 96;
  config.head_dim = 16;
  const auto fresh = models::Decoder::make(config, 0.25f, 17).value();
  std::deque<std::vector<std::byte>> bytes;
  std::vector<tensor::NamedTensor> tensors;
  for (const models::Parameter& p : fresh->parameters()) {
    tensor::TensorView view = tensor::view_of(p.values, p.shape);
    if (p.shape.size() == 2) {
      view.dtype = dtype;
      view.bytes = bytes.emplace_back(tensor::testing::typed_bytes(dtype, p.values));
    }
    tensors.push_back({p.name, view});
  }
  const os::Path path =
      os::Path(::testing::TempDir()) / ("packed-" + std::to_string(::getpid()) + ".gguf");
  const Status written = formats::write_model_gguf(path, config, tensors, {});
  LATHE_ASSERT(written.ok());
  SerialParallel serial;
  auto decoder = models::Decoder::load(formats::ModelSource::open(path).value(), serial).value();
  std::filesystem::remove(path);
  return decoder;
}

// Token 0 is "<end>", the others are bytes.
inline text::Tokenizer byte_tokenizer() {
  text::BpeTrainOptions options;
  options.vocab_size = 257;
  options.special_tokens = {"<end>"};
  options.eos_token = "<end>";
  return text::train_bpe(std::vector<std::string>{"a text"}, options).value();
}

inline std::vector<std::int32_t> random_tokens(std::size_t count, std::mt19937& random) {
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<std::int32_t>(1 + random() % 256));
  }
  return tokens;
}

// A tenant's low-rank updates of every site and, if wanted, its soft prompt.
class Tenant {
 public:
  static Adapters make(const models::Decoder& decoder, std::size_t rank, std::size_t virtual_tokens,
                       unsigned seed) {
    const auto tenant = std::make_shared<Tenant>();
    std::mt19937 random(seed);
    for (std::size_t site = 0; site < decoder.sites().size(); ++site) {
      const auto [out, in] = decoder.site_shape(site);
      tenant->loras_.push_back({tenant->matrix(rank, in, random), tenant->matrix(out, rank, random),
                                0.5f + static_cast<float>(seed)});
    }
    for (const ops::LoraWeight& lora : tenant->loras_) tenant->pointers_.push_back(&lora);
    tenant->adapters_.loras = tenant->pointers_;
    if (virtual_tokens > 0) {
      const auto width = static_cast<std::size_t>(decoder.config().hidden_size);
      tenant->soft_prompt_ = tenant->matrix(virtual_tokens, width, random);
      tenant->adapters_.soft_prompt = &tenant->soft_prompt_;
    }
    return {tenant, &tenant->adapters_};
  }

  // One that changes all that an adapter can change, with a prefix of six positions.
  static Adapters make_whole(const models::Decoder& decoder, unsigned seed) {
    const auto tenant = std::make_shared<Tenant>();
    std::mt19937 random(seed);
    const auto width = static_cast<std::size_t>(decoder.config().hidden_size);
    tenant->change_sites(decoder, random);
    for (std::size_t i = 0; i < decoder.norms().size(); ++i)
      tenant->norms_.push_back({tenant->vector(width, random), nullptr});
    for (const models::NormChange& norm : tenant->norms_) tenant->norm_pointers_.push_back(&norm);
    tenant->embedding_.tokens = tenant->tokens_;
    tenant->embedding_.rows = tenant->matrix(tenant->tokens_.size(), width, random).f32;
    const models::KvShape kv = decoder.kv_shape();
    tenant->prefix_ = {kPrefixRows, kv.width(),
                       tenant->matrix(2 * kv.layers * kPrefixRows, kv.width(), random).f32};
    tenant->soft_prompt_ = tenant->matrix(kPrefixRows, width, random);
    tenant->adapters_ = {tenant->pointers_, &tenant->soft_prompt_, tenant->norm_pointers_,
                         &tenant->embedding_, &tenant->prefix_};
    return {tenant, &tenant->adapters_};
  }

 private:
  static constexpr std::size_t kPrefixRows = 6;

  // Another matrix, bias, factors of the input or of the output, by turns.
  void change_sites(const models::Decoder& decoder, std::mt19937& random) {
    for (std::size_t site = 0; site < decoder.sites().size(); ++site) {
      const auto [out, in] = decoder.site_shape(site);
      ops::LoraWeight& change = loras_.emplace_back();
      if (site % 2 == 0) {
        change.a = matrix(2, in, random);
        change.b = matrix(out, 2, random);
      }
      if (site % 5 == 0) change.weight = &matrices_.emplace_back(matrix(out, in, random));
      if (site % 5 == 1) change.bias = vector(out, random);
      if (site % 5 == 2) change.in_factors = vector(in, random)->data;
      if (site % 5 == 3) change.out_factors = vector(out, random)->data;
    }
    for (const ops::LoraWeight& lora : loras_) pointers_.push_back(&lora);
  }

  const ops::VectorWeight* vector(std::size_t size, std::mt19937& random) {
    ops::VectorWeight weight;
    weight.size = size;
    weight.data = matrix(1, size, random).f32;
    vectors_.push_back(weight);
    return &vectors_.back();
  }

  ops::MatrixWeight matrix(std::size_t rows, std::size_t columns, std::mt19937& random) {
    std::normal_distribution<float> normal(0, 0.2f);
    std::vector<float>& values = values_.emplace_back(rows * columns);
    for (float& x : values) x = normal(random);
    ops::MatrixWeight weight;
    weight.rows = rows;
    weight.columns = columns;
    weight.f32 = values.data();
    return weight;
  }

  std::deque<std::vector<float>> values_;
  std::deque<ops::LoraWeight> loras_;
  std::vector<const ops::LoraWeight*> pointers_;
  ops::MatrixWeight soft_prompt_;
  std::deque<ops::MatrixWeight> matrices_;
  std::deque<ops::VectorWeight> vectors_;
  std::deque<models::NormChange> norms_;
  std::vector<const models::NormChange*> norm_pointers_;
  std::vector<std::int32_t> tokens_ = {1, 60, 97, 110};
  models::EmbeddingChange embedding_;
  models::KvPrefix prefix_;
  models::SequenceAdapters adapters_;
};

}  // namespace lathe::engine::testing
