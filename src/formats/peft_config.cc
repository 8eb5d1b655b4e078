// adapter_config.json from and to PeftConfig.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "formats/config_bounds.h"
#include "formats/foreign_text.h"
#include "formats/json.h"
#include "formats/peft.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxAdapterRank = 65'536;
constexpr std::int64_t kMaxVirtualTokens = 1 << 20;
constexpr std::size_t kMaxRegex = 1000;

// Fields that say where an adapter came from or how it was trained, not what it computes.
const std::set<std::string_view> kHarmless{
    "peft_type",    "peft_version", "task_type",      "base_model_name_or_path",
    "revision",     "auto_mapping", "inference_mode", "runtime_config",
    "unsloth_fixed"};
const std::set<std::string_view> kLoraFields{
    "r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules", "rank_pattern",
    "alpha_pattern", "layers_to_transform", "bias", "init_lora_weights", "modules_to_save",
    "use_dora", "lora_bias", "exclude_modules", "trainable_token_indices",
    // which modules have updates: the tensors say it too
    "layers_pattern",
    // PEFT corrects it by the module's type
    "fan_in_fan_out",
    // read by megatron, weight tying of modules_to_save, QA-LoRA and EVA's initialisation only
    "megatron_core", "ensure_weight_tying", "qalora_group_size", "eva_config"};
const std::set<std::string_view> kIa3Fields{"target_modules",   "feedforward_modules",
                                            "fan_in_fan_out",   "modules_to_save",
                                            "init_ia3_weights", "exclude_modules"};
const std::set<std::string_view> kPromptFields{
    "num_virtual_tokens", "token_dim", "num_transformer_submodules",
    // the base's own sizes, and how the embeddings began or were computed before they were saved
    "num_layers", "num_attention_heads", "prompt_tuning_init", "prompt_tuning_init_text",
    "tokenizer_name_or_path", "tokenizer_kwargs", "encoder_reparameterization_type",
    "encoder_hidden_size", "encoder_num_layers", "encoder_dropout",
    // how a prefix was computed before it was saved
    "prefix_projection", "init_weights"};

bool says_nothing(const json& value) {
  return value.is_null() || value == false || value == "" ||
         ((value.is_object() || value.is_array()) && value.empty());
}

Error refuse(const std::string& key, const json& value) {
  return Error::unsupported(
      fmt::format("{} is {}, which is not supported", key, JsonFields::show(value)));
}

Status check_known(const json& object, const std::set<std::string_view>& fields) {
  for (const auto& [key, value] : object.items()) {
    if (!kHarmless.contains(key) && !fields.contains(key) && !says_nothing(value))
      return refuse(key, value);
  }
  return {};
}

// Some ways to begin change the base's weights too, so the adapter alone does not say the result.
Status check_init(const JsonFields& fields) {
  const json* init = fields.find("init_lora_weights");
  if (init == nullptr || init->is_boolean() || *init == "gaussian" || *init == "eva" ||
      *init == "orthogonal")
    return {};
  Error error = refuse("init_lora_weights", *init);
  return std::move(error).fix_with(
      "save the adapter converted to plain LoRA (PEFT's "
      "path_initial_model_for_weight_conversion)");
}

Status check_bias(const JsonFields& fields) {
  const json* bias = fields.find("bias");
  const bool known = bias == nullptr || *bias == "none" || *bias == "all" || *bias == "lora_only";
  return known ? Status() : refuse("bias", *bias);
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '.';
  });
}

// Names stand for themselves.
Status check_plain_name(const std::string& field, const std::string& name) {
  if (is_plain_name(name)) return {};
  return Error::unsupported(
             fmt::format("{} has {}, which is no plain name", field, in_quotes(name)))
      .fix_with("list the modules by name");
}

// A list of plain names, each once; empty when the field says nothing.
Result<std::vector<std::string>> read_names(const JsonFields& fields, const char* key) {
  LATHE_TRY(auto found, fields.find_strings(key));
  std::vector<std::string> names = std::move(found).value_or(std::vector<std::string>{});
  for (const std::string& name : names) LATHE_CHECK(check_plain_name(key, name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Status read_targets(const JsonFields& fields, LoraConfig& lora) {
  const json* value = fields.find("target_modules");
  if (value == nullptr) return Error::bad_input("target_modules is missing");
  if (!value->is_string()) {
    LATHE_TRY(lora.target_modules, read_names(fields, "target_modules"));
    if (lora.target_modules.empty()) return Error::bad_input("target_modules is empty");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.empty() || text.size() > kMaxRegex)
    return Error::bad_input(
        fmt::format("target_modules has {} characters, outside 1 to {}", text.size(), kMaxRegex));
  lora.all_linear = text == "all-linear";
  if (!lora.all_linear) lora.target_regex = text;
  return {};
}

// Those of the embeddings: a list, or an object with one list.
Result<std::vector<std::int64_t>> read_token_ids(const JsonFields& fields) {
  std::vector<std::int64_t> ids;
  const json* value = fields.find("trainable_token_indices");
  if (value == nullptr) return ids;
  const bool named = value->is_object() && value->size() == 1;
  const json& list = named ? value->begin().value() : *value;
  if (!list.is_array()) return refuse("trainable_token_indices", *value);
  for (const json& id : list) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= (1u << 30))
      return Error::bad_input(
          fmt::format("trainable_token_indices holds {}, not a token", JsonFields::show(id)));
    ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

// What besides the pairs an adapter can hold.
Status read_extras(const JsonFields& fields, LoraConfig& lora) {
  LATHE_TRY(const auto dora, fields.find_bool("use_dora"));
  LATHE_TRY(const auto bias, fields.find_bool("lora_bias"));
  lora.dora = dora.value_or(false);
  lora.lora_bias = bias.value_or(false);
  LATHE_TRY(lora.modules_to_save, read_names(fields, "modules_to_save"));
  LATHE_TRY(lora.token_ids, read_token_ids(fields));
  const json* excluded = fields.find("exclude_modules");
  if (excluded != nullptr && excluded->is_string()) {
    lora.exclude_modules = {excluded->get<std::string>()};  // what it leaves out, the tensors say
    return {};
  }
  LATHE_TRY(lora.exclude_modules, read_names(fields, "exclude_modules"));
  return {};
}

Result<std::vector<std::int64_t>> read_layers(const JsonFields& fields) {
  std::vector<std::int64_t> layers;
  const json* value = fields.find("layers_to_transform");
  if (value == nullptr) return layers;
  const json list = value->is_array() ? *value : json::array({*value});
  for (const json& item : list) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() > 1'000'000)
      return Error::bad_input(
          fmt::format("layers_to_transform holds {}, not a layer", JsonFields::show(item)));
    layers.push_back(item.get<std::int64_t>());
  }
  return layers;
}

Status check_rank(const char* field, std::int64_t rank) {
  if (rank >= 1 && rank <= kMaxAdapterRank) return {};
  return Error::bad_input(fmt::format("{} is {}, outside 1 to {}", field, rank, kMaxAdapterRank));
}

// rank_pattern or alpha_pattern: an object of name to number.
template <class T, class Read>
Result<std::map<std::string, T>> read_pattern(const JsonFields& fields, const char* key,
                                              Read read) {
  std::map<std::string, T> pattern;
  const json* value = fields.find(key);
  if (value == nullptr) return pattern;
  if (!value->is_object())
    return Error::bad_input(fmt::format("{} is {}, not an object", key, JsonFields::show(*value)));
  const JsonFields members(*value, std::string(key) + ".");
  for (const auto& [name, number] : value->items()) {
    if (name.empty() || name.size() > kMaxRegex)
      return Error::bad_input(fmt::format("{} has a name of {} characters", key, name.size()));
    LATHE_TRY(const T item, read(members, name.c_str()));
    pattern.emplace(name, item);
  }
  return pattern;
}

Result<LoraConfig> read_lora(const json& object) {
  LATHE_CHECK(check_known(object, kLoraFields));
  const JsonFields fields(object);
  LATHE_CHECK(check_init(fields));
  LATHE_CHECK(check_bias(fields));
  LoraConfig lora;
  LATHE_TRY(lora.rank, fields.get_int("r"));
  LATHE_CHECK(check_rank("r", lora.rank));
  LATHE_TRY(lora.alpha, fields.get_number("lora_alpha"));
  LATHE_TRY(const auto dropout, fields.find_number("lora_dropout"));
  lora.dropout = dropout.value_or(0);
  if (lora.dropout < 0 || lora.dropout >= 1)
    return Error::bad_input(fmt::format("lora_dropout is {}, outside 0 to 1", lora.dropout));
  LATHE_TRY(const auto rslora, fields.find_bool("use_rslora"));
  lora.rslora = rslora.value_or(false);
  LATHE_CHECK(read_targets(fields, lora));
  LATHE_CHECK(read_extras(fields, lora));
  LATHE_TRY(lora.layers, read_layers(fields));
  LATHE_TRY(lora.rank_pattern, read_pattern<std::int64_t>(fields, "rank_pattern",
                                                          [](const JsonFields& f, const char* k) {
                                                            return f.get_int(k);
                                                          }));
  for (const auto& [name, rank] : lora.rank_pattern) LATHE_CHECK(check_rank("rank_pattern", rank));
  LATHE_TRY(lora.alpha_pattern,
            read_pattern<double>(fields, "alpha_pattern", [](const JsonFields& f, const char* k) {
              return f.get_number(k);
            }));
  return lora;
}

// The vectors' shapes say which modules are feed-forward ones.
Result<LoraConfig> read_ia3(const json& object) {
  LATHE_CHECK(check_known(object, kIa3Fields));
  const JsonFields fields(object);
  LoraConfig lora;
  LATHE_CHECK(read_targets(fields, lora));
  LATHE_TRY(lora.modules_to_save, read_names(fields, "modules_to_save"));
  return lora;
}

Result<SoftPromptConfig> read_prompt(const json& object) {
  LATHE_CHECK(check_known(object, kPromptFields));
  const JsonFields fields(object);
  SoftPromptConfig prompt;
  LATHE_TRY(prompt.virtual_tokens, fields.get_int("num_virtual_tokens"));
  if (prompt.virtual_tokens < 1 || prompt.virtual_tokens > kMaxVirtualTokens)
    return Error::bad_input(fmt::format("num_virtual_tokens is {}, outside 1 to {}",
                                        prompt.virtual_tokens, kMaxVirtualTokens));
  LATHE_TRY(prompt.width, fields.get_int("token_dim"));
  if (prompt.width < 1 || prompt.width > kMaxWidth)
    return Error::bad_input(
        fmt::format("token_dim is {}, outside 1 to {}", prompt.width, kMaxWidth));
  LATHE_TRY(const auto submodules, fields.find_int("num_transformer_submodules"));
  if (submodules.value_or(1) != 1)
    return Error::unsupported(fmt::format(
        "num_transformer_submodules is {}; only decoders (1) are supported", *submodules));
  return prompt;
}

Result<PeftConfig::Kind> read_kind(const JsonFields& fields) {
  LATHE_TRY(const std::string type, fields.get_string("peft_type"));
  if (type == "LORA") return PeftConfig::Kind::lora;
  if (type == "IA3") return PeftConfig::Kind::ia3;
  if (type == "PREFIX_TUNING") return PeftConfig::Kind::prefix_tuning;
  if (type == "PROMPT_TUNING") return PeftConfig::Kind::prompt_tuning;
  if (type == "P_TUNING") return PeftConfig::Kind::p_tuning;
  return Error::unsupported(fmt::format("peft_type {} is not supported", in_quotes(type)))
      .fix_with("use an adapter of type LORA, IA3, PROMPT_TUNING, P_TUNING or PREFIX_TUNING");
}

Result<PeftConfig> read_config(const json& object) {
  const JsonFields fields(object);
  PeftConfig config;
  LATHE_TRY(config.kind, read_kind(fields));
  LATHE_TRY(const auto task, fields.find_string("task_type"));
  if (task && *task != "CAUSAL_LM")
    return Error::unsupported(
        fmt::format("task_type {} is not supported (CAUSAL_LM is)", in_quotes(*task)));
  LATHE_TRY(auto base, fields.find_string("base_model_name_or_path"));
  config.base_model = std::move(base).value_or("");
  if (config.kind == PeftConfig::Kind::lora) {
    LATHE_TRY(config.lora, read_lora(object));
  } else if (config.kind == PeftConfig::Kind::ia3) {
    LATHE_TRY(config.lora, read_ia3(object));
  } else {
    LATHE_TRY(config.prompt, read_prompt(object));
  }
  if (config.kind == PeftConfig::Kind::prefix_tuning) {
    LATHE_TRY(config.prompt.layers, fields.get_int("num_layers"));
    if (config.prompt.layers < 1 || config.prompt.layers > kMaxLayers)
      return Error::bad_input(
          fmt::format("num_layers is {}, outside 1 to {}", config.prompt.layers, kMaxLayers));
  }
  return config;
}

// The most specific pattern that fits; nullptr when none does.
template <class T>
const T* find_pattern(const std::map<std::string, T>& pattern, std::string_view module) {
  const T* found = nullptr;
  std::size_t length = 0;
  for (const auto& [end, value] : pattern) {
    if (is_dotted_end(module, end) && end.size() > length) {
      found = &value;
      length = end.size();
    }
  }
  return found;
}

// The first number among the dotted parts of a module's name, as PEFT finds the layer.
std::optional<std::int64_t> layer_of(std::string_view module) {
  while (!module.empty()) {
    const std::size_t dot = std::min(module.find('.'), module.size());
    const std::string_view part = module.substr(0, dot);
    const bool number =
        !part.empty() && part.size() <= 6 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) return std::stoll(std::string(part));
    module.remove_prefix(std::min(dot + 1, module.size()));
  }
  return std::nullopt;
}

json lora_json(const LoraConfig& lora) {
  return {{"r", lora.rank},
          {"lora_alpha", lora.alpha},
          {"lora_dropout", lora.dropout},
          {"use_rslora", lora.rslora},
          {"target_modules", lora.all_linear ? json("all-linear") : json(lora.target_modules)},
          {"layers_to_transform", lora.layers.empty() ? json() : json(lora.layers)},
          {"rank_pattern", lora.rank_pattern},
          {"alpha_pattern", lora.alpha_pattern},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"modules_to_save", nullptr},
          {"use_dora", false}};
}

json prompt_json(const PeftConfig& config) {
  json out{{"num_virtual_tokens", config.prompt.virtual_tokens},
           {"token_dim", config.prompt.width},
           {"num_transformer_submodules", 1}};
  if (config.kind == PeftConfig::Kind::prompt_tuning) {
    out["prompt_tuning_init"] = "RANDOM";
  } else {
    out["encoder_reparameterization_type"] = "MLP";
    out["encoder_hidden_size"] = config.prompt.width;
  }
  return out;
}

const char* type_of(PeftConfig::Kind kind) {
  switch (kind) {
    case PeftConfig::Kind::lora:
      return "LORA";
    case PeftConfig::Kind::prompt_tuning:
      return "PROMPT_TUNING";
    case PeftConfig::Kind::p_tuning:
      return "P_TUNING";
    case PeftConfig::Kind::ia3:
      return "IA3";
    case PeftConfig::Kind::prefix_tuning:
      return "PREFIX_TUNING";
  }
  return "";
}

}  // namespace

bool is_dotted_end(std::string_view name, std::string_view end) {
  return name == end || (name.size() > end.size() && name.ends_with(end) &&
                         name[name.size() - end.size() - 1] == '.');
}

bool LoraConfig::targets(std::string_view module) const {
  if (!target_regex.empty()) return true;
  if (!layers.empty()) {
    const auto layer = layer_of(module);
    if (!layer || std::find(layers.begin(), layers.end(), *layer) == layers.end()) return false;
  }
  if (all_linear) return !is_dotted_end(module, "lm_head") && !is_dotted_end(module, "embed_out");
  return std::any_of(target_modules.begin(), target_modules.end(),
                     [&](const std::string& end) { return is_dotted_end(module, end); });
}

bool LoraConfig::has_regex_patterns() const {
  const auto regex = [](const auto& entry) { return !is_plain_name(entry.first); };
  return std::any_of(rank_pattern.begin(), rank_pattern.end(), regex) ||
         std::any_of(alpha_pattern.begin(), alpha_pattern.end(), regex);
}

std::int64_t LoraConfig::rank_of(std::string_view module) const {
  const std::int64_t* own = find_pattern(rank_pattern, module);
  return own != nullptr ? *own : rank;
}

double LoraConfig::scale_of(std::string_view module) const {
  const double* own = find_pattern(alpha_pattern, module);
  const auto r = static_cast<double>(rank_of(module));
  return (own != nullptr ? *own : alpha) / (rslora ? std::sqrt(r) : r);
}

Result<PeftConfig> peft_config_from_json(std::string_view text) {
  LATHE_TRY(const json object, parse_json_object(text, kConfigLimits).at("adapter_config.json"));
  return read_config(object).at("adapter_config.json");
}

std::string to_json(const PeftConfig& config) {
  json out = config.kind == PeftConfig::Kind::lora ? lora_json(config.lora) : prompt_json(config);
  out["peft_type"] = type_of(config.kind);
  out["task_type"] = "CAUSAL_LM";
  out["base_model_name_or_path"] = config.base_model;
  out["inference_mode"] = true;
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::formats
