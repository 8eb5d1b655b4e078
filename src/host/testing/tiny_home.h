// For this folder's tests: a home in a temporary folder with a random model in it, imported as a
// user's would be.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/model_writer.h"
#include "host/local_store.h"
#include "host/model_import.h"
#include "models/decoder.h"
#include "text/bpe_trainer.h"

namespace lathe::host::testing {

constexpr const char* kTemplate =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

// A folder as Hugging Face writes it; models of other seeds have other weights.
inline void write_model(const os::Path& folder, std::uint64_t seed, std::int64_t positions = 4096) {
  formats::DecoderConfig config;
  config.vocab_size = 260;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.layers = 1;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = positions;
  const auto decoder = models::Decoder::make(config, 0.35f, seed).value();
  std::vector<tensor::NamedTensor> tensors;
  for (const models::Parameter& p : decoder->parameters()) {
    tensors.push_back({p.name, tensor::view_of(p.values, p.shape)});
  }
  text::BpeTrainOptions options;
  options.vocab_size = 257;
  options.special_tokens = {"<end>"};
  options.eos_token = "<end>";
  const text::Tokenizer tokenizer =
      text::train_bpe(std::vector<std::string>{"a text"}, options).value();
  formats::ModelTexts texts;
  texts.tokenizer_json = tokenizer.to_tokenizer_json();
  texts.tokenizer_config_json = tokenizer.to_tokenizer_config_json();
  texts.chat_template = kTemplate;
  const Status written = formats::write_model_folder(folder, config, tensors, texts);
  ASSERT_TRUE(written.ok()) << written.error().message();
}

class TinyHome {
 public:
  TinyHome() : folder_(os::TemporaryDirectory::make().value()) {
    write_model(source(), 1);
    import("tiny", source());
  }

  os::Path source() const { return folder_.path() / "source"; }
  const os::Path& folder() const { return folder_.path(); }
  // A store of its own on the same home, as another process has.
  LocalStore open() const { return LocalStore::open((folder() / "home").string()).value(); }

  void import(const std::string& name, const os::Path& from) {
    LocalStore store = open();
    SerialParallel serial;
    const auto record =
        import_model(store, from, name, serial, [](std::uint64_t, std::uint64_t) {});
    ASSERT_TRUE(record.ok()) << record.error().message();
  }

 private:
  os::TemporaryDirectory folder_;
};

}  // namespace lathe::host::testing
