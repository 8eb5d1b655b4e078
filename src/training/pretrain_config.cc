#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "training/pretrain.h"

namespace lathe::training {
namespace {

using Json = nlohmann::json;

// Takes the fields of one section out one by one; what is left at the end is unknown. The first
// error stays.
class Section {
 public:
  Section(Json& parent, const char* name) : name_(name) {
    const auto found = parent.find(name);
    if (found == parent.end() || !found->is_object()) {
      fail("", "the section is missing");
      return;
    }
    fields_ = *found;
    parent.erase(found);
  }

  template <class T>
  void take(const char* key, T& value) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) return;
    try {
      value = found->get<T>();
    } catch (const Json::exception&) {
      fail(key, "the value is of another type");
    }
    fields_.erase(found);
  }

  // A number within [low, high].
  template <class T>
  void take(const char* key, T& value, double low, double high) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) return;
    if (!found->is_number()) return fail(key, "the value must be a number");
    const double number = found->get<double>();
    if (!(number >= low && number <= high)) {
      return fail(key, fmt::format("{} is outside {} to {}", number, low, high));
    }
    value = found->get<T>();
    fields_.erase(found);
  }

  Status finish() {
    if (!error_ && !fields_.empty()) fail(fields_.begin().key(), "the field is not known");
    if (error_) return *error_;
    return {};
  }

 private:
  void fail(const std::string& key, std::string what) {
    if (error_) return;
    error_ = Error::bad_input(std::move(what)).at(key.empty() ? name_ : name_ + "." + key);
  }

  std::string name_;
  Json fields_ = Json::object();
  std::optional<Error> error_;
};

Status read_vocabulary(Json& json, PretrainConfig& config) {
  Section s(json, "vocabulary");
  s.take("size", config.vocabulary.vocab_size, 257, 1'000'000);
  s.take("special_tokens", config.vocabulary.special_tokens);
  s.take("bos", config.vocabulary.bos_token);
  s.take("eos", config.vocabulary.eos_token);
  s.take("pad", config.pad_token);
  s.take("pre_tokenizer", config.vocabulary.pre_tokenizer);
  s.take("sample_bytes", config.vocabulary_sample_bytes, 1, 1e12);
  return s.finish();
}

Status read_model(Json& json, PretrainConfig& config) {
  formats::DecoderConfig& m = config.model;
  m.max_positions = 1024;
  Section s(json, "model");
  s.take("hidden_size", m.hidden_size, 1, 65536);
  s.take("intermediate_size", m.intermediate_size, 1, 1 << 20);
  s.take("layers", m.layers, 1, 1024);
  s.take("heads", m.heads, 1, 1024);
  s.take("kv_heads", m.kv_heads, 1, 1024);
  s.take("head_dim", m.head_dim, 2, 1024);
  s.take("max_positions", m.max_positions, 8, 1 << 20);
  s.take("rope_theta", m.rope.theta, 1, 1e9);
  s.take("rms_norm_eps", m.norm_eps, 0, 1);
  s.take("tied_embeddings", m.tied_embeddings);
  s.take("init_deviation", config.init_deviation, 1e-6, 1);
  return s.finish();
}

Status read_training(Json& json, PretrainConfig& config) {
  TrainerOptions& t = config.trainer;
  t.learner.adamw = {0.9f, 0.95f, 1e-8f, 0.1f, false};
  t.checkpoint_every = 50;
  Section s(json, "training");
  s.take("epochs", config.epochs, 1e-6, 1e6);
  s.take("prompt_weight", config.loss.prompt_weight, 0, 1);
  s.take("batch_tokens", t.batch_tokens, 1, 1e9);
  s.take("rows_per_pass", t.learner.rows_per_pass, 1, 1e6);
  s.take("learning_rate", t.schedule.peak, 0, 1);
  s.take("final_rate", t.schedule.floor, 0, 1);
  s.take("warmup_steps", t.schedule.warmup_steps, 0, 1e9);
  s.take("weight_decay", t.learner.adamw.weight_decay, 0, 1);
  s.take("beta1", t.learner.adamw.beta1, 0, 0.9999);
  s.take("beta2", t.learner.adamw.beta2, 0, 0.99999);
  s.take("clip", t.learner.clip, 0, 1e6);
  s.take("seed", t.seed, 0, 9e15);
  s.take("checkpoint_every", t.checkpoint_every, 0, 1e9);
  return s.finish();
}

Result<PretrainConfig> parse(Json json, const os::Path& folder) {
  PretrainConfig config;
  LATHE_CHECK(read_vocabulary(json, config));
  LATHE_CHECK(read_model(json, config));
  LATHE_CHECK(read_training(json, config));
  const auto chat_template = json.find("chat_template");
  if (chat_template == json.end() || !chat_template->is_string()) {
    return Error::bad_input("the field must name a template file beside the recipe")
        .at("chat_template");
  }
  LATHE_TRY(config.chat_template,
            os::read_file(folder / chat_template->get<std::string>(), 1 << 20));
  json.erase(chat_template);
  if (!json.empty()) return Error::bad_input("the field is not known").at(json.begin().key());
  config.model.vocab_size = config.vocabulary.vocab_size;
  LATHE_CHECK(formats::check(config.model).at("model"));
  return config;
}

}  // namespace

Result<PretrainConfig> read_pretrain_config(const os::Path& path) {
  LATHE_TRY(const std::string text, os::read_file(path, 1 << 20));
  Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded() || !json.is_object()) {
    return Error::bad_input("the recipe must be a JSON object").at(path.string());
  }
  return parse(std::move(json), path.parent_path()).at(path.string());
}

}  // namespace lathe::training
