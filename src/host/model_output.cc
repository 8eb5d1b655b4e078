#include "host/model_output.h"

#include <algorithm>
#include <array>

#include "formats/gguf.h"
#include "formats/hf_texts.h"
#include "formats/model_writer.h"
#include "host/model_origin.h"
#include "text/model_text.h"
#include "text/tokenizer_gguf.h"

namespace lathe::host {
namespace {

using formats::GgufMetadata;
using formats::ModelSource;

Result<std::vector<tensor::NamedTensor>> weights_of(const ModelSource& model) {
  std::vector<tensor::NamedTensor> tensors;
  for (const std::string& name : model.tensor_names()) {
    LATHE_TRY(tensor::TensorView view, model.tensor(name));
    tensors.push_back({name, std::move(view)});
  }
  return tensors;
}

// What the writer says of a file, and must not be said twice.
bool is_the_writers(std::string_view key) {
  static constexpr std::array<std::string_view, 4> kKeys = {
      "general.architecture", "general.file_type", "general.quantization_version",
      "general.alignment"};
  return std::ranges::find(kKeys, key) != kKeys.end();
}

Result<GgufMetadata> carried(const ModelSource& model, const formats::GgufFile& file) {
  GgufMetadata own;
  LATHE_CHECK(formats::to_gguf(model.config(), own));
  GgufMetadata extra;
  for (const auto& [key, value] : file.metadata().entries()) {
    const bool of_texts = key.starts_with("tokenizer.") || key.starts_with("general.");
    if (of_texts && !is_the_writers(key) && !own.has(key)) extra.set(key, value);
  }
  return extra;
}

Result<GgufMetadata> made(const ModelSource& model) {
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(model));
  // The config writes the ids of BOS and EOS itself.
  GgufMetadata extra = text::gguf_metadata(tokenizer.with_control_tokens({}));
  LATHE_TRY(const auto chat_template, model.chat_template());
  if (chat_template) extra.set("tokenizer.chat_template", *chat_template);
  LATHE_TRY(const ModelOrigin origin, find_origin(model));
  add_to_gguf(origin, extra);
  return extra;
}

Result<formats::ModelTexts> texts_of(const ModelSource& model) {
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(model));
  formats::ModelTexts texts;
  auto json = model.tokenizer_json();
  texts.tokenizer_json = json.ok() ? std::move(json).value() : tokenizer.to_tokenizer_json();
  LATHE_TRY(texts.tokenizer_config_json, model.tokenizer_config_json());
  if (!texts.tokenizer_config_json)
    texts.tokenizer_config_json = tokenizer.to_tokenizer_config_json();
  LATHE_TRY(texts.chat_template, model.chat_template());
  return texts;
}

}  // namespace

Status write_gguf(const ModelSource& model, const os::Path& path, const OutputFacts& facts) {
  LATHE_TRY(const auto weights, weights_of(model));
  const formats::GgufFile* file = model.gguf();
  LATHE_TRY(GgufMetadata extra, file != nullptr ? carried(model, *file) : made(model));
  if (!facts.name.empty()) extra.set("general.name", facts.name);
  if (!facts.certificates.empty())
    extra.set(evaluation::kCertificateKey, evaluation::to_text(facts.certificates));
  return formats::write_model_gguf(path, model.config(), weights, extra);
}

Status write_folder(const ModelSource& model, const os::Path& folder, const OutputFacts& facts) {
  LATHE_TRY(const auto weights, weights_of(model));
  LATHE_TRY(const formats::ModelTexts texts, texts_of(model));
  LATHE_CHECK(formats::write_model_folder(folder, model.config(), weights, texts));
  LATHE_TRY(const auto generation, model.generation_config_json());
  if (generation)
    LATHE_CHECK(os::write_file_atomically(folder / "generation_config.json", *generation));
  if (model.gguf() == nullptr) {
    LATHE_TRY(const auto readme, formats::find_readme(model.path()));
    if (readme) LATHE_CHECK(os::write_file_atomically(folder / "README.md", *readme));
  }
  if (facts.certificates.empty()) return {};
  return os::write_file_atomically(folder / evaluation::kCertificateFile,
                                   evaluation::to_text(facts.certificates));
}

}  // namespace lathe::host
