// The tokenizer and the chat template that stand in a model's files, wherever its format keeps
// them.
#pragma once

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

}  // namespace lathe::text
