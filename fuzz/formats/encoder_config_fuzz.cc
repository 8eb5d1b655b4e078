// Any texts, between zero bytes, as the files of an encoder's folder: config.json, modules.json,
// those of the pooling and of the normalising module, and what limits and introduces a text.
// Refused, or a config and an account of embeddings that keep their promises.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "formats/embedding_config.h"
#include "formats/encoder_tensors.h"
#include "os/file.h"

using namespace lathe::formats;

namespace {

// An empty text is no file. The first one, config.json, is not read from the folder.
constexpr const char* kFiles[] = {"modules.json",
                                  "1_Pooling/config.json",
                                  "2_Normalize/config.json",
                                  "sentence_bert_config.json",
                                  "config_sentence_transformers.json",
                                  "tokenizer_config.json"};

const lathe::os::Path& folder() {
  static const auto made = [] {
    auto directory = lathe::os::TemporaryDirectory::make();
    if (!directory.ok()) std::abort();
    for (const char* module : {"1_Pooling", "2_Normalize"})
      if (!lathe::os::make_directories(directory->path() / module).ok()) std::abort();
    return std::move(directory).value();
  }();
  return made.path();
}

std::string_view take(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  const std::string_view text = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

// Only those that are not as the last input left them: writing takes most of the time.
void write_files(std::string_view rest) {
  static std::string written[std::size(kFiles)];
  for (std::size_t i = 0; i < std::size(kFiles); ++i) {
    const std::string_view text = take(rest);
    if (text == written[i]) continue;
    written[i] = text;
    if (text.empty()) {
      std::filesystem::remove(folder() / kFiles[i]);
    } else {
      std::ofstream(folder() / kFiles[i], std::ios::binary) << text;
    }
  }
}

void use(const EncoderConfig& config) {
  if (!check(config).ok() || max_tokens(config) < 1) std::abort();
  if (config.layers < 100 && expected_tensors(config).empty()) std::abort();
  const auto positions = positions_of(config, {0});
  if (positions.size() != 1 || positions[0] < 0 || positions[0] >= config.positions) std::abort();
}

void use(const EmbeddingConfig& embedding, const EncoderConfig& config) {
  if (embedding.max_tokens < 1 || embedding.max_tokens > max_tokens(config)) std::abort();
  if (embedding.default_prompt && !embedding.prompts.contains(*embedding.default_prompt))
    std::abort();
  if (embedding.pooling && pooling_named(name_of(*embedding.pooling)).value() != *embedding.pooling)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const EncoderConfig usual = encoder_config_from_json(R"({"model_type": "bert"})").value();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto config = encoder_config_from_json(take(rest));
  if (config.ok()) use(*config);
  if (rest.empty()) return 0;
  write_files(rest);
  const EncoderConfig& own = config.ok() ? *config : usual;
  const auto embedding = embedding_config_of_folder(folder(), own);
  if (embedding.ok()) use(*embedding, own);
  const auto files = embedding_files(folder());
  if (!files.ok() && files.error().message().empty()) std::abort();
  return 0;
}
