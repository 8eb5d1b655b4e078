#include "host/model_card.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "text/model_text.h"
#include "text/tokenizer_parts.h"

namespace lathe::host {
namespace {

using formats::ModelSource;
using nlohmann::json;

std::string kind_of(const text::TokenizerOutline& outline) {
  switch (outline.model) {
    case text::ModelKind::bpe:
      return outline.settings.byte_level ? "byte-level BPE" : "BPE";
    case text::ModelKind::unigram:
      return "Unigram";
    case text::ModelKind::word_piece:
      return "WordPiece";
    case text::ModelKind::word_level:
      return "WordLevel";
  }
  return "BPE";
}

TokenizerFacts facts_of(const text::Tokenizer& tokenizer) {
  TokenizerFacts facts;
  facts.kind = kind_of(tokenizer.parts().outline);
  facts.hash = tokenizer.hash();
  facts.tokens = tokenizer.vocab_size();
  if (const auto id = tokenizer.bos_id()) facts.bos = tokenizer.id_to_token(*id);
  if (const auto id = tokenizer.eos_id()) facts.eos = tokenizer.id_to_token(*id);
  return facts;
}

constexpr std::string_view kMark = "Qx7mark";  // no template has it by itself
constexpr const char* kTools =
    R"([{"type": "function", "function": {"name": "Qx7mark", "description": "finds a thing",
         "parameters": {"type": "object", "properties": {"thing": {"type": "string",
         "description": "what to find"}}, "required": ["thing"]}}}])";

bool shows_mark(const Result<std::string>& render) {
  return render.ok() && render->find(kMark) != std::string::npos;
}

TemplateFacts facts_of(const text::ChatTemplate& chat) {
  using Messages = std::vector<text::Message>;
  const Messages question = {{"user", "Hello"}};
  const Messages with_system = {{"system", std::string(kMark)}, {"user", "Hello"}};
  const auto plain = chat.render(question);
  text::RenderOptions prompt;
  prompt.add_generation_prompt = true;
  const auto opened = chat.render(question, prompt);
  text::RenderOptions tools;
  tools.tools_json = kTools;
  TemplateFacts facts;
  facts.there = true;
  facts.system = shows_mark(chat.render(with_system));
  facts.tools = shows_mark(chat.render(question, tools));
  facts.generation_prompt = plain.ok() && opened.ok() && *plain != *opened;
  return facts;
}

// What both kinds of models have.
template <class Source>
Status describe_common(const Source& source, ModelCard& card) {
  LATHE_TRY(card.weights, formats::weights_by_type(source));
  LATHE_TRY(card.memory, models::memory_forecast(source));
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  card.tokenizer = facts_of(tokenizer);
  LATHE_TRY(card.origin, find_origin(source));
  return {};
}

Status fill_card(const ModelSource& source, ModelCard& card) {
  card.decoder = source.config();
  LATHE_CHECK(describe_common(source, card));
  const auto chat = text::load_chat_encoder(source);
  if (chat.ok()) {
    card.chat_template = facts_of(chat->chat_template());
  } else if (chat.error().kind != ErrorKind::not_found) {
    return chat.error();
  }
  LATHE_TRY(card.certificates, evaluation::find_certificates(source));
  return {};
}

Status fill_card(const formats::EncoderSource& source, ModelCard& card) {
  card.encoder = source.config();
  card.embedding = source.embedding();
  return describe_common(source, card);
}

Status fill_card(const os::Path& file, ModelCard& card) {
  if (formats::is_encoder(file)) {
    LATHE_TRY(const formats::EncoderSource source, formats::EncoderSource::open(file));
    return fill_card(source, card);
  }
  LATHE_TRY(const ModelSource source, ModelSource::open(file));
  return fill_card(source, card);
}

json rope_json(const formats::RopeConfig& rope) {
  using Kind = formats::RopeScaling::Kind;
  static const std::map<Kind, const char*> kNames = {
      {Kind::none, "none"},        {Kind::linear, "linear"}, {Kind::dynamic, "dynamic"},
      {Kind::llama3, "llama3"},    {Kind::yarn, "yarn"},     {Kind::factors, "factors"},
      {Kind::longrope, "longrope"}};
  const formats::RopeScaling& scaling = rope.scaling;
  json out = {{"theta", rope.theta}, {"scaling", kNames.at(scaling.kind)}};
  if (scaling.factor != 1) out["factor"] = scaling.factor;
  if (scaling.original_positions > 0) out["original_positions"] = scaling.original_positions;
  return out;
}

json shape_json(const formats::DecoderConfig& config) {
  json shape = {{"layers", config.layers},
                {"hidden_size", config.hidden_size},
                {"intermediate_size", config.intermediate_size},
                {"heads", config.heads},
                {"kv_heads", config.kv_heads},
                {"head_dim", config.head_dim},
                {"vocabulary", config.vocab_size},
                {"context", formats::context_limit(config)},
                {"tied_embeddings", config.tied_embeddings}};
  if (config.experts.count > 0)
    shape["experts"] = {{"count", config.experts.count}, {"used", config.experts.used}};
  switch (config.positions) {
    case formats::PositionKind::rotary:
      shape["positions"] = "rotary";
      shape["rope"] = rope_json(config.rope);
      break;
    case formats::PositionKind::learned:
      shape["positions"] = "learned";
      break;
    case formats::PositionKind::alibi:
      shape["positions"] = "alibi";
      break;
  }
  return shape;
}

json shape_json(const formats::EncoderConfig& config, const formats::EmbeddingConfig& embedding) {
  const auto pooling =
      embedding.pooling ? json(formats::name_of(*embedding.pooling)) : json(nullptr);
  return {{"layers", config.layers},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"heads", config.heads},
          {"head_dim", config.hidden_size / config.heads},
          {"vocabulary", config.vocab_size},
          {"context", embedding.max_tokens},
          {"positions", "learned"},
          {"pooling", pooling},
          {"normalised", embedding.normalised}};
}

json weights_json(const std::vector<formats::WeightsOfType>& weights) {
  json lines = json::array();
  for (const formats::WeightsOfType& of : weights) {
    lines.push_back({{"type", tensor::to_string(of.dtype)},
                     {"tensors", of.tensors},
                     {"parameters", of.parameters},
                     {"bytes", of.bytes}});
  }
  return lines;
}

json record_json(const store::ModelRecord& model) {
  return {
      {"name", model.name},
      {"kind", model.kind},
      {"family", model.family},
      {"parameters", model.parameters},
      {"context_length", model.context_length},
      {"quantization", model.quantization},
      {"size_bytes", model.size_bytes},
      {"fingerprint", model.fingerprint},
      {"tokenizer_hash", model.tokenizer_hash},
      {"template_hash", model.template_hash.empty() ? json(nullptr) : json(model.template_hash)},
      {"created", model.created}};
}

}  // namespace

bool ModelCard::is_certified() const {
  return !certificates.empty() && certificates.back().result_fingerprint == record.fingerprint;
}

Result<ModelCard> model_card(LocalStore& store, const std::string& name) {
  ModelCard card;
  LATHE_TRY(card.record, store.catalogue.model(name));
  LATHE_TRY(card.path, store.home.absolute(card.record.path));
  LATHE_TRY(const auto adaptations, store.catalogue.adaptations());
  for (const store::AdaptationRecord& adaptation : adaptations) {
    const std::string& base = adaptation.base_fingerprint;
    if (base.empty() || base == card.record.fingerprint)
      card.adaptations.push_back(adaptation.name);
  }
  LATHE_TRY(const os::Path file, tasks::model_path(card.path));
  LATHE_CHECK(fill_card(file, card));
  add_record(card.record, card.origin);
  return card;
}

json to_json(const ModelCard& card) {
  json data = record_json(card.record);
  data["path"] = card.path.string();
  data["shape"] =
      card.encoder ? shape_json(*card.encoder, card.embedding) : shape_json(*card.decoder);
  data["weights"] = weights_json(card.weights);
  data["memory"] = {{"weights", card.memory.weights},
                    {"kv_bytes_per_token", card.memory.cache_per_token},
                    {"context", card.memory.context},
                    {"cache", card.memory.cache},
                    {"total", card.memory.total()}};
  data["tokenizer"] = {
      {"kind", card.tokenizer.kind},
      {"hash", card.tokenizer.hash},
      {"tokens", card.tokenizer.tokens},
      {"bos", card.tokenizer.bos.empty() ? json(nullptr) : json(card.tokenizer.bos)},
      {"eos", card.tokenizer.eos.empty() ? json(nullptr) : json(card.tokenizer.eos)}};
  data["chat_template"] = json(nullptr);
  if (card.chat_template.there) {
    data["chat_template"] = {{"system", card.chat_template.system},
                             {"tools", card.chat_template.tools},
                             {"generation_prompt", card.chat_template.generation_prompt}};
  }
  data["origin"] = to_json(card.origin);
  data["certificates"] = json::array();
  for (const evaluation::Certificate& c : card.certificates)
    data["certificates"].push_back(evaluation::to_json(c));
  data["certified"] = card.is_certified();
  const json details = json::parse(card.record.details, nullptr, false);
  data["conversion"] = details.is_object() ? details.value("conversion", json()) : json();
  data["adaptations"] = card.adaptations;
  return data;
}

}  // namespace lathe::host
