#include "tasks/loaded_model.h"

#include <fmt/format.h>

#include <future>

#include "formats/gguf_parts.h"
#include "os/clock.h"
#include "text/model_text.h"

namespace lathe::tasks {

Result<os::Path> model_path(const os::Path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return Error::not_found("there is no model").at(path.string());
  if (!std::filesystem::is_directory(path, code)) return path;
  if (std::filesystem::exists(path / "config.json", code)) return path;
  std::vector<os::Path> found;
  for (const auto& entry : std::filesystem::directory_iterator(path, code)) {
    if (entry.path().extension() == ".gguf" &&
        !formats::is_later_gguf_part(entry.path().filename().string()))
      found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  return Error::bad_input(
             fmt::format("the folder has no config.json and {} .gguf files", found.size()))
      .at(path.string())
      .fix_with("name a Hugging Face folder or one .gguf file");
}

namespace {

struct Parts {
  text::Tokenizer tokenizer;
  std::unique_ptr<models::Decoder> decoder;
  std::optional<text::ChatEncoder> chat;
};

// What a model's file makes; it is closed after that.
Result<Parts> load_parts(const os::Path& file, Parallel& parallel) {
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  // Beside each other: a large vocabulary takes as long as everything else.
  auto tokenizer_made =
      std::async(std::launch::async, [&] { return text::load_tokenizer(source); });
  auto decoder_made = models::Decoder::load(source, parallel);
  LATHE_TRY(text::Tokenizer tokenizer, tokenizer_made.get());
  LATHE_TRY(std::unique_ptr<models::Decoder> decoder, std::move(decoder_made));
  auto chat = text::load_chat_encoder(source, tokenizer);
  if (!chat.ok() && chat.error().kind != ErrorKind::not_found) return std::move(chat).error();
  Parts parts = {std::move(tokenizer), std::move(decoder), std::nullopt};
  if (chat.ok()) parts.chat = std::move(chat).value();
  return parts;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> LoadedModel::load(const os::Path& path, Parallel& parallel,
                                                       const engine::EngineOptions& options) {
  const os::SystemClock clock;
  const double start = clock.seconds();
  LATHE_TRY(const os::Path file, model_path(path));
  LATHE_TRY(Parts parts, load_parts(file, parallel));
  parts.decoder->map_weights();
  std::shared_ptr<LoadedModel> model(new LoadedModel());
  model->chat_ = std::move(parts.chat);
  LATHE_TRY(model->engine_, engine::Engine::start(std::move(parts.decoder),
                                                  std::move(parts.tokenizer), parallel, options));
  model->load_seconds_ = clock.seconds() - start;
  return model;
}

Result<const text::ChatEncoder*> LoadedModel::chat() const {
  if (chat_) return &*chat_;
  return Error::bad_input("the model has no chat template, so it cannot take messages")
      .fix_with("use completions, or a chat model");
}

}  // namespace lathe::tasks
