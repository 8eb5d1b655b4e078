// Everything that the store and a model's files say of it, on one card.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "evaluation/certificate.h"
#include "formats/weight_summary.h"
#include "host/local_store.h"
#include "host/model_origin.h"
#include "models/memory_forecast.h"

namespace lathe::host {

struct TokenizerFacts {
  std::string kind;  // "byte-level BPE", "Unigram", …
  std::string hash;
  std::int64_t tokens = 0;
  std::string bos, eos;  // spellings; empty where there is none
};

// What renders of the template show; all false where there is none.
struct TemplateFacts {
  bool there = false;
  bool system = false;             // a system message's text appears
  bool tools = false;              // a tool's name appears
  bool generation_prompt = false;  // it opens an answer
};

struct ModelCard {
  store::ModelRecord record;
  os::Path path;
  std::optional<formats::DecoderConfig> decoder;  // one of the two
  std::optional<formats::EncoderConfig> encoder;
  formats::EmbeddingConfig embedding;  // of an encoder: how it makes vectors
  std::vector<formats::WeightsOfType> weights;
  models::MemoryForecast memory;
  TokenizerFacts tokenizer;
  TemplateFacts chat_template;
  ModelOrigin origin;
  std::vector<evaluation::Certificate> certificates;  // oldest first
  std::vector<std::string> adaptations;               // that a reference may put behind its name

  // Whether the last certificate was measured on these weights.
  bool is_certified() const;
};

// Errors: not_found (with near names); those of opening the model.
Result<ModelCard> model_card(LocalStore& store, const std::string& name);

nlohmann::json to_json(const ModelCard& card);

}  // namespace lathe::host
