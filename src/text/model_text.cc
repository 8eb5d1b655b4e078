#include "text/model_text.h"

#include <fmt/format.h>

#include "base/log.h"
#include "formats/hf_texts.h"
#include "text/packed_tokenizer.h"
#include "text/special_tokens.h"
#include "text/tokenizer_files.h"

namespace lathe::text {
namespace {

using formats::NamedTemplate;

constexpr const char* kDefault = "default";
constexpr std::uint64_t kMaxTokenizerBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxTemplateBytes = std::uint64_t{4} << 20;

// The texts of a tokenizer and of the tokenizer_config.json that belongs to it.
Status put_tokenizer(Tokenizer tokenizer, const std::optional<std::string>& config,
                     TextFiles& files) {
  files.special = special_token_text(tokenizer);
  if (config) LATHE_CHECK(add_special_tokens(*config, files.special).at("tokenizer_config.json"));
  files.tokenizer = std::move(tokenizer);
  return {};
}

Result<TextFiles> files_of_folder(const os::Path& folder) {
  TextFiles files;
  LATHE_TRY(auto tokenizer, find_tokenizer(folder));
  LATHE_TRY(const auto config, formats::find_tokenizer_config_json(folder));
  if (tokenizer) {
    LATHE_CHECK(put_tokenizer(*std::move(tokenizer), config, files));
  } else if (config) {
    LATHE_CHECK(add_special_tokens(*config, files.special).at("tokenizer_config.json"));
  }
  LATHE_TRY(files.templates, formats::find_chat_templates(folder));
  if (files.tokenizer || !files.templates.empty()) return files;
  return Error::not_found("there is neither a tokenizer nor a chat template")
      .fix_with(
          "give a Hugging Face folder, a .gguf, tokenizer.json, tokenizer.model or .jinja file");
}

// A tokenizer.json or a SentencePiece model.
Result<Tokenizer> tokenizer_of_file(const os::Path& path,
                                    const std::optional<std::string>& config) {
  LATHE_TRY(const std::string bytes, os::read_file(path, kMaxTokenizerBytes));
  if (path.extension() == ".model")
    return tokenizer_from_sentence_piece(bytes, config.value_or(std::string()));
  LATHE_TRY(Tokenizer tokenizer, Tokenizer::from_tokenizer_json(bytes));
  if (!config) return tokenizer;
  return tokenizer.apply_tokenizer_config(*config).at("tokenizer_config.json");
}

// "tokenizer.chat_template", and "tokenizer.chat_template.NAME" beside it.
Result<std::vector<NamedTemplate>> templates_of(const formats::GgufMetadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  std::vector<NamedTemplate> templates;
  for (const auto& [key, value] : metadata.entries()) {
    if (!key.starts_with(kKey)) continue;
    const std::string_view rest = std::string_view(key).substr(kKey.size());
    if (!rest.empty() && (rest[0] != '.' || rest.size() == 1)) continue;
    LATHE_TRY(const std::string_view source, metadata.get_string(key));
    templates.push_back(
        {std::string(rest.empty() ? kDefault : rest.substr(1)), std::string(source)});
  }
  return templates;
}

Error no_template(const std::vector<NamedTemplate>& templates, std::string_view wanted) {
  if (templates.empty())
    return Error::not_found("there is no chat template")
        .fix_with("give a chat model or a .jinja file");
  std::string names;
  for (const NamedTemplate& one : templates) names += (names.empty() ? "" : ", ") + one.name;
  return Error::not_found(fmt::format("there is no chat template named '{}'", wanted))
      .fix_with("name one of: " + names);
}

Result<TextFiles> files_of_gguf(const os::Path& path) {
  LATHE_TRY(const formats::GgufFile file, formats::GgufFile::open(path));
  TextFiles files;
  LATHE_TRY(Tokenizer tokenizer, Tokenizer::from_gguf(file.metadata()));
  files.special = special_token_text(tokenizer);
  LATHE_CHECK(add_special_tokens(file.metadata(), tokenizer, files.special));
  files.tokenizer = std::move(tokenizer);
  LATHE_TRY(files.templates, templates_of(file.metadata()));
  return files;
}

Result<TextFiles> files_at(const os::Path& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed))
    return Error::not_found("there is no such file or folder");
  if (std::filesystem::is_directory(path, failed)) return files_of_folder(path);
  TextFiles files;
  if (path.extension() == ".gguf") return files_of_gguf(path);
  if (path.extension() == ".jinja") {
    LATHE_TRY(std::string source, os::read_file(path, kMaxTemplateBytes));
    files.templates.push_back({kDefault, std::move(source)});
    return files;
  }
  if (path.extension() == ".json" || path.extension() == ".model") {
    LATHE_TRY(const auto config, formats::find_tokenizer_config_json(path.parent_path()));
    LATHE_TRY(Tokenizer tokenizer, tokenizer_of_file(path, config));
    LATHE_CHECK(put_tokenizer(std::move(tokenizer), config, files));
    return files;
  }
  return Error::bad_input("this holds no tokenizer and no chat template")
      .fix_with(
          "give a Hugging Face folder, a .gguf, tokenizer.json, tokenizer.model or .jinja file");
}

// source: a ModelSource or an EncoderSource.
template <class Source>
Result<Tokenizer> tokenizer_of(const Source& source) {
  const std::string place = source.path().string();
  if (source.gguf() != nullptr) return Tokenizer::from_gguf(source.gguf()->metadata()).at(place);
  LATHE_TRY(auto found, find_tokenizer(source.path()).at(place));
  if (found) return *std::move(found);
  return Error::not_found("there is no tokenizer")
      .at(place)
      .fix_with("add the model's tokenizer.json or tokenizer.model");
}

}  // namespace

Result<Tokenizer> load_tokenizer(const formats::ModelSource& source) {
  auto packed = open_packed_tokenizer(source.path());
  if (packed.ok()) return packed;
  if (packed.error().kind != ErrorKind::not_found)
    log::warning("{}; the tokenizer is read from the model's files", packed.error().message());
  return read_tokenizer(source);
}
Result<Tokenizer> read_tokenizer(const formats::ModelSource& source) {
  return tokenizer_of(source);
}
Result<Tokenizer> load_tokenizer(const formats::EncoderSource& source) {
  return tokenizer_of(source);
}

Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source) {
  LATHE_TRY(Tokenizer tokenizer, load_tokenizer(source));
  return load_chat_encoder(source, std::move(tokenizer));
}

Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source, Tokenizer tokenizer) {
  LATHE_TRY(const auto chat_template, source.chat_template());
  if (!chat_template) {
    return Error::not_found("the model has no chat template")
        .at(source.path().string())
        .fix_with("use a chat model, or completions with a prompt of your own");
  }
  SpecialTokenText special = special_token_text(tokenizer);
  LATHE_TRY(const auto config, source.tokenizer_config_json());
  if (config) {
    LATHE_CHECK(add_special_tokens(*config, special)
                    .at(source.path().string() + ": tokenizer_config.json"));
  } else if (source.gguf() != nullptr) {
    LATHE_CHECK(add_special_tokens(source.gguf()->metadata(), tokenizer, special)
                    .at(source.path().string()));
  }
  LATHE_TRY(ChatTemplate parsed,
            ChatTemplate::parse(*chat_template, std::move(special)).at(source.path().string()));
  return ChatEncoder(std::move(tokenizer), std::move(parsed));
}

Result<const NamedTemplate*> find_template(const std::vector<NamedTemplate>& templates,
                                           std::string_view name) {
  for (const NamedTemplate& one : templates)
    if (one.name == name) return &one;
  return no_template(templates, name);
}

Result<const NamedTemplate*> choose_template(const std::vector<NamedTemplate>& templates,
                                             bool with_tools) {
  if (with_tools) {
    if (auto found = find_template(templates, "tool_use"); found.ok()) return found;
  }
  return find_template(templates, kDefault);
}

Result<TextFiles> load_text_files(const os::Path& path) { return files_at(path).at(path.string()); }

}  // namespace lathe::text
