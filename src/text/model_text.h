// The tokenizer and the chat template that stand in a model's files, wherever its format keeps
// them: beside the weights, or alone.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "formats/model_source.h"
#include "text/chat_encoder.h"

namespace lathe::text {

// The tokenizer that stands in the model's files: tokenizer.json (with tokenizer_config.json), or
// GGUF metadata.
Result<Tokenizer> load_tokenizer(const formats::ModelSource& source);

// The tokenizer and the model's own chat template. Errors: not_found when the model has no
// template: nothing is put in its place.
Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source);

// What stands in files of text alone; no weights are looked for.
struct TextFiles {
  std::optional<Tokenizer> tokenizer;
  std::optional<std::string> chat_template;  // its source
  SpecialTokenText special;                  // as templates read them
};

// path: a Hugging Face folder, a .gguf file (one without tensors, too), a tokenizer.json (with the
// tokenizer_config.json beside it) or a .jinja file. not_found; bad_input for anything else.
Result<TextFiles> load_text_files(const os::Path& path);

}  // namespace lathe::text
