// For this folder's tests: a small model with random weights, a byte vocabulary, and adapters of
// several tenants.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/request.h"
#include "models/decoder.h"
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

 private:
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
  models::SequenceAdapters adapters_;
};

}  // namespace lathe::engine::testing
