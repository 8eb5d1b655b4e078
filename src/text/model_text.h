// The tokenizer and the chat template that stand in a model's files, wherever its format keeps
// them: beside the weights, or alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/encoder_source.h"
#include "formats/hf_texts.h"
#include "formats/model_source.h"
#include "text/chat_encoder.h"

namespace lathe::text {

// The tokenizer that stands in the model's files: those of tokenizer_files.h, or GGUF metadata. Of
// a decoder it is mapped where it lies packed beside them (packed_tokenizer.h); a packed one that
// cannot be used is told in the log.
Result<Tokenizer> load_tokenizer(const formats::ModelSource& source);
Result<Tokenizer> load_tokenizer(const formats::EncoderSource& source);
// Without a look at a packed one.
Result<Tokenizer> read_tokenizer(const formats::ModelSource& source);

// The tokenizer and the model's own chat template. Errors: not_found when the model has no
// template: nothing is put in its place.
Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source);
// The same with the model's tokenizer for whoever has loaded it: that takes most of the time.
Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source, Tokenizer tokenizer);

// What stands in files of text alone; no weights are looked for.
struct TextFiles {
  std::optional<Tokenizer> tokenizer;
  std::vector<formats::NamedTemplate> templates;  // empty: none
  SpecialTokenText special;                       // as templates read them
};

// Of a model's templates the one that transformers would take: for a request with tools the one
// named "tool_use" if there is one, otherwise "default". Errors: not_found, naming those there are;
// nothing is put in the place of a missing one.
Result<const formats::NamedTemplate*> choose_template(
    const std::vector<formats::NamedTemplate>& templates, bool with_tools);
// The one of that name.
Result<const formats::NamedTemplate*> find_template(
    const std::vector<formats::NamedTemplate>& templates, std::string_view name);

// path: a Hugging Face folder, a .gguf file (one without tensors, too), a tokenizer.json or
// tokenizer.model (with the tokenizer_config.json beside it) or a .jinja file. not_found; bad_input
// for anything else.
Result<TextFiles> load_text_files(const os::Path& path);

}  // namespace lathe::text
