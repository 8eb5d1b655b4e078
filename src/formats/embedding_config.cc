#include "formats/embedding_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/config_bounds.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"
#include "formats/hf_texts.h"
#include "formats/json.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxModules = 16;
constexpr const char* kModules = "modules.json";
constexpr const char* kTransformer = "sentence_bert_config.json";
constexpr const char* kPrompts = "config_sentence_transformers.json";

struct PoolingName {
  Pooling pooling;
  std::string_view name;     // ours, and that of the newer files' "pooling_mode"
  const char* flag;          // of the older files
  std::string_view spelled;  // in newer files, where it differs
};
constexpr std::array<PoolingName, 4> kPoolings{
    {{Pooling::cls, "cls", "pooling_mode_cls_token", "cls"},
     {Pooling::mean, "mean", "pooling_mode_mean_tokens", "mean"},
     {Pooling::max, "max", "pooling_mode_max_tokens", "max"},
     {Pooling::last, "last", "pooling_mode_lasttoken", "lasttoken"}}};

// nothing when there is no such file.
Result<std::optional<json>> read_json(const os::Path& path) {
  auto text = os::read_file(path, kMaxConfigBytes);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return std::optional<json>();
  if (!text.ok()) return std::move(text).error();
  LATHE_TRY(json value, parse_json(*text).at(path.string()));
  return std::optional(std::move(value));
}

Result<std::optional<json>> read_json_object(const os::Path& path) {
  LATHE_TRY(auto value, read_json(path));
  if (value && !value->is_object())
    return Error::bad_input("this is no JSON object").at(path.string());
  return value;
}

// Any key but these, unless it is null, is refused: it would change the vectors.
Status check_known(const JsonFields& fields, const json& object,
                   std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (!value.is_null() && std::find(known.begin(), known.end(), key) == known.end())
      return Error::unsupported(fmt::format("{} is {}, which is not supported", fields.name(key),
                                            JsonFields::show(value)));
  }
  return {};
}

struct Module {
  std::string kind;  // "Transformer", "Pooling", …
  std::string type;  // as the file has it
  std::string path;  // a folder's name; empty: the model's own folder
};

// A module's path comes from a foreign file: only a plain name may be opened.
Status check_module_path(const std::string& path) {
  const bool plain = path.find_first_of("/\\") == std::string::npos &&
                     path.find('\0') == std::string::npos && !path.starts_with(".");
  if (plain) return {};
  return Error::bad_input(fmt::format("path {} is no plain name of a folder", in_quotes(path)));
}

Result<Module> read_module(const json& entry) {
  if (!entry.is_object()) return Error::bad_input("a module is no JSON object");
  const JsonFields fields(entry);
  Module module;
  LATHE_TRY(module.type, fields.get_string("type"));
  LATHE_TRY(module.path, fields.get_string("path"));
  LATHE_CHECK(check_module_path(module.path));
  // "sentence_transformers.models.Pooling", or the newer ones' longer way to it.
  if (module.type.starts_with("sentence_transformers."))
    module.kind = module.type.substr(module.type.rfind('.') + 1);
  return module;
}

Result<std::vector<Module>> read_modules(const json& list) {
  if (!list.is_array() || list.size() > kMaxModules)
    return Error::bad_input(fmt::format("this is no list of at most {} modules", kMaxModules));
  std::vector<Module> modules;
  for (const json& entry : list) {
    LATHE_TRY(Module module, read_module(entry));
    modules.push_back(std::move(module));
  }
  return modules;
}

Result<Pooling> pooling_spelled(const std::string& mode) {
  for (const PoolingName& name : kPoolings) {
    if (name.spelled == mode) return name.pooling;
  }
  return Error::unsupported(fmt::format("pooling_mode {} is not supported", in_quotes(mode)));
}

// Of flags, exactly one must be set, and it must be one of kPoolings.
Result<Pooling> pooling_of_flags(const JsonFields& fields, const json& object) {
  std::optional<Pooling> found;
  for (const auto& [key, value] : object.items()) {
    if (!key.starts_with("pooling_mode_")) continue;
    LATHE_TRY(const auto set, fields.find_bool(key.c_str()));
    if (!set.value_or(false)) continue;
    const auto known =
        std::find_if(kPoolings.begin(), kPoolings.end(),
                     [&flag = key](const PoolingName& name) { return flag == name.flag; });
    if (known == kPoolings.end())
      return Error::unsupported(fmt::format("{} is true, which is not supported", key));
    if (found) return Error::unsupported("several poolings at once are not supported");
    found = known->pooling;
  }
  return found.value_or(Pooling::mean);  // as sentence-transformers, when no flag is set
}

Result<Pooling> read_pooling(const os::Path& path, const EncoderConfig& config) {
  LATHE_TRY(const auto object, read_json_object(path));
  if (!object) return Error::not_found("there is no such file").at(path.string());
  const JsonFields fields(*object);
  const auto read = [&]() -> Result<Pooling> {
    for (const char* key : {"word_embedding_dimension", "embedding_dimension"}) {
      LATHE_TRY(const auto width, fields.find_int(key));
      if (width.value_or(config.hidden_size) != config.hidden_size)
        return Error::bad_input(
            fmt::format("{} is {}, the model's hidden_size {}", key, *width, config.hidden_size));
    }
    LATHE_CHECK(allow_only(fields, "include_prompt", true));
    const json* mode = fields.find("pooling_mode");
    if (mode == nullptr) return pooling_of_flags(fields, *object);
    if (!mode->is_string()) return Error::unsupported("pooling_mode is no single name");
    return pooling_spelled(mode->get<std::string>());
  };
  return read().at(path.string());
}

Status check_normalize(const os::Path& path) {
  LATHE_TRY(const auto object, read_json_object(path));
  if (!object) return {};
  const JsonFields fields(*object);
  for (const char* key : {"module_input_name", "module_output_name"})
    LATHE_CHECK(allow_only(fields, key, "sentence_embedding").at(path.string()));
  return {};
}

Error unknown_module(const Module& module) {
  return Error::unsupported(fmt::format("the module {} is not supported", in_quotes(module.type)))
      .fix_with("use a model of the modules Transformer, Pooling and Normalize");
}

// A transformer, a pooling, and a normalisation or none, in this order.
Status apply_modules(const std::vector<Module>& modules, const os::Path& folder,
                     const EncoderConfig& config, EmbeddingConfig& out) {
  for (const Module& module : modules) {
    const std::string& kind = module.kind;
    const bool first = &module == &modules.front();
    if (kind == "Transformer" && first) {
      if (!module.path.empty())
        return Error::unsupported(fmt::format("the transformer is in the folder {} of the model",
                                              in_quotes(module.path)))
            .fix_with("save the model again with a sentence-transformers of today");
    } else if (kind == "Pooling" && !first && !out.pooling) {
      LATHE_TRY(out.pooling, read_pooling(folder / module.path / "config.json", config));
    } else if (kind == "Normalize" && out.pooling && !out.normalised) {
      LATHE_CHECK(check_normalize(folder / module.path / "config.json"));
      out.normalised = true;
    } else {
      return unknown_module(module);
    }
  }
  if (out.pooling) return {};
  return Error::unsupported("there is no module Pooling");
}

// The newer files' account of which of the transformer's outputs is taken.
Status check_modality(const JsonFields& fields) {
  const json* modalities = fields.find("modality_config");
  if (modalities == nullptr) return {};
  const json text = {{"method", "forward"}, {"method_output_name", "last_hidden_state"}};
  if (modalities->is_object() && modalities->value("text", json()) == text) return {};
  return Error::unsupported(
      fmt::format("modality_config is {}, which is not supported", JsonFields::show(*modalities)));
}

Result<std::optional<std::int64_t>> transformer_max_tokens(const os::Path& path) {
  LATHE_TRY(const auto object, read_json_object(path));
  if (!object) return std::optional<std::int64_t>();
  const JsonFields fields(*object);
  const auto read = [&]() -> Result<std::optional<std::int64_t>> {
    LATHE_CHECK(check_known(fields, *object,
                            {"max_seq_length", "do_lower_case", "transformer_task",
                             "modality_config", "module_output_name", "unpad_inputs"}));
    LATHE_CHECK(allow_only(fields, "do_lower_case", false));
    LATHE_CHECK(allow_only(fields, "transformer_task", "feature-extraction"));
    LATHE_CHECK(allow_only(fields, "module_output_name", "token_embeddings"));
    LATHE_CHECK(check_modality(fields));
    return fields.find_int("max_seq_length");
  };
  return read().at(path.string());
}

// "model_max_length" is 1e30 where nobody has set it: nothing then.
Result<std::optional<std::int64_t>> tokenizer_max_tokens(const os::Path& folder) {
  LATHE_TRY(const auto text, find_tokenizer_config_json(folder));
  if (!text) return std::optional<std::int64_t>();
  const std::string place = (folder / "tokenizer_config.json").string();
  LATHE_TRY(const json object, parse_json_object(*text).at(place));
  LATHE_TRY(const auto length, JsonFields(object).find_number("model_max_length").at(place));
  if (!length || *length >= 1e9) return std::optional<std::int64_t>();
  return std::optional(static_cast<std::int64_t>(*length));
}

Status read_max_tokens(const os::Path& folder, const EncoderConfig& config, EmbeddingConfig& out) {
  LATHE_TRY(auto length, transformer_max_tokens(folder / kTransformer));
  if (!length) {
    LATHE_TRY(length, tokenizer_max_tokens(folder));
  }
  out.max_tokens = std::min(length.value_or(max_tokens(config)), max_tokens(config));
  if (out.max_tokens >= 1) return {};
  return Error::bad_input(fmt::format("a text may have at most {} tokens", out.max_tokens))
      .at(folder.string());
}

Status read_prompts(const os::Path& path, EmbeddingConfig& out) {
  LATHE_TRY(const auto object, read_json_object(path));
  if (!object) return {};
  const JsonFields fields(*object);
  const json prompts = object->value("prompts", json::object());
  if (!prompts.is_object()) return Error::bad_input("prompts is no JSON object").at(path.string());
  for (const auto& [name, text] : prompts.items()) {
    if (!text.is_string())
      return Error::bad_input(fmt::format("the prompt {} is no text", in_quotes(name)))
          .at(path.string());
    out.prompts.emplace(name, text.get<std::string>());
  }
  LATHE_TRY(out.default_prompt, fields.find_string("default_prompt_name").at(path.string()));
  if (!out.default_prompt || out.prompts.contains(*out.default_prompt)) return {};
  return Error::bad_input(fmt::format("default_prompt_name is {}, which prompts does not have",
                                      in_quotes(*out.default_prompt)))
      .at(path.string());
}

}  // namespace

std::string_view name_of(Pooling pooling) {
  for (const PoolingName& name : kPoolings) {
    if (name.pooling == pooling) return name.name;
  }
  return {};
}

Result<Pooling> pooling_named(std::string_view name) {
  for (const PoolingName& known : kPoolings) {
    if (known.name == name) return known.pooling;
  }
  return Error::bad_input(fmt::format("there is no pooling {}", in_quotes(name)))
      .fix_with("choose cls, mean, max or last");
}

Result<EmbeddingConfig> embedding_config_of_folder(const os::Path& folder,
                                                   const EncoderConfig& config) {
  EmbeddingConfig out;
  LATHE_TRY(const auto list, read_json(folder / kModules));
  if (list) {
    const std::string place = (folder / kModules).string();
    LATHE_TRY(const auto modules, read_modules(*list).at(place));
    LATHE_CHECK(apply_modules(modules, folder, config, out).at(place));
  }
  LATHE_CHECK(read_max_tokens(folder, config, out));
  LATHE_CHECK(read_prompts(folder / kPrompts, out));
  return out;
}

Result<EmbeddingConfig> embedding_config_of_gguf(const GgufMetadata& metadata,
                                                 const EncoderConfig& config) {
  EmbeddingConfig out;
  out.normalised = true;
  out.max_tokens = max_tokens(config);
  LATHE_TRY(const auto type, metadata.find_int("bert.pooling_type"));
  constexpr std::array kTypes{Pooling::mean, Pooling::cls, Pooling::last};  // 1, 2, 3; 0: none
  if (!type || *type == 0) return out;
  if (*type < 0 || *type > static_cast<std::int64_t>(kTypes.size()))
    return Error::unsupported(fmt::format("bert.pooling_type is {}{}, which is not supported",
                                          *type, *type == 4 ? " (a reranker)" : ""));
  out.pooling = kTypes[static_cast<std::size_t>(*type - 1)];
  return out;
}

Result<std::vector<std::string>> embedding_files(const os::Path& folder) {
  std::vector<std::string> names = {kModules, kTransformer, kPrompts};
  LATHE_TRY(const auto list, read_json(folder / kModules));
  if (list) {
    LATHE_TRY(const auto modules, read_modules(*list).at((folder / kModules).string()));
    for (const Module& module : modules) {
      if (!module.path.empty()) names.push_back(module.path + "/config.json");
    }
  }
  std::error_code failed;
  std::erase_if(names, [&](const std::string& name) {
    return !std::filesystem::exists(folder / name, failed);
  });
  return names;
}

}  // namespace lathe::formats
