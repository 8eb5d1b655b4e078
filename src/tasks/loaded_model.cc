#include "tasks/loaded_model.h"

#include <fmt/format.h>

#include "os/clock.h"

namespace lathe::tasks {

Result<text::Tokenizer> load_tokenizer(const formats::ModelSource& source) {
  if (auto json = source.tokenizer_json(); json.ok()) {
    LATHE_TRY(text::Tokenizer tokenizer, text::Tokenizer::from_tokenizer_json(*json).at(
                                             source.path().string() + ": tokenizer.json"));
    LATHE_TRY(const auto config, source.tokenizer_config_json());
    if (!config) return tokenizer;
    return tokenizer.apply_tokenizer_config(*config).at(source.path().string() +
                                                        ": tokenizer_config.json");
  } else if (source.gguf() == nullptr || json.error().kind != ErrorKind::not_found) {
    return std::move(json).error();
  }
  return text::Tokenizer::from_gguf(source.gguf()->metadata()).at(source.path().string());
}

Result<text::ChatEncoder> load_chat_encoder(const formats::ModelSource& source) {
  LATHE_TRY(text::Tokenizer tokenizer, load_tokenizer(source));
  LATHE_TRY(const auto chat_template, source.chat_template());
  if (!chat_template) {
    return Error::not_found("the model has no chat template")
        .at(source.path().string())
        .fix_with("use a chat model, or completions with a prompt of your own");
  }
  text::SpecialTokenText special;
  if (const auto bos = tokenizer.bos_id()) special.bos = std::string(tokenizer.id_to_token(*bos));
  if (const auto eos = tokenizer.eos_id()) special.eos = std::string(tokenizer.id_to_token(*eos));
  LATHE_TRY(
      text::ChatTemplate parsed,
      text::ChatTemplate::parse(*chat_template, std::move(special)).at(source.path().string()));
  return text::ChatEncoder(std::move(tokenizer), std::move(parsed));
}

Result<os::Path> model_path(const os::Path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return Error::not_found("there is no model").at(path.string());
  if (!std::filesystem::is_directory(path, code)) return path;
  if (std::filesystem::exists(path / "config.json", code)) return path;
  std::vector<os::Path> found;
  for (const auto& entry : std::filesystem::directory_iterator(path, code)) {
    if (entry.path().extension() == ".gguf") found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  return Error::bad_input(
             fmt::format("the folder has no config.json and {} .gguf files", found.size()))
      .at(path.string())
      .fix_with("name a Hugging Face folder or one .gguf file");
}

Result<std::shared_ptr<LoadedModel>> LoadedModel::load(const os::Path& path, Parallel& parallel,
                                                       const engine::EngineOptions& options) {
  const os::SystemClock clock;
  const double start = clock.seconds();
  LATHE_TRY(const os::Path file, model_path(path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(text::Tokenizer tokenizer, load_tokenizer(source));
  LATHE_TRY(std::unique_ptr<models::Decoder> decoder, models::Decoder::load(source, parallel));
  std::shared_ptr<LoadedModel> model(new LoadedModel());
  LATHE_TRY(model->engine_,
            engine::Engine::start(std::move(decoder), std::move(tokenizer), parallel, options));
  if (auto chat = load_chat_encoder(source); chat.ok()) {
    model->chat_ = std::move(chat).value();
  } else if (chat.error().kind != ErrorKind::not_found) {
    return std::move(chat).error();
  }
  model->load_seconds_ = clock.seconds() - start;
  return model;
}

Result<const text::ChatEncoder*> LoadedModel::chat() const {
  if (chat_) return &*chat_;
  return Error::bad_input("the model has no chat template, so it cannot take messages")
      .fix_with("use completions, or a chat model");
}

}  // namespace lathe::tasks
