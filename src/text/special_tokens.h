// The special tokens that a chat template can name, from where a model's files say them. Internal
// to src/text.
#pragma once

#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace lathe::text {

// BOS and EOS of the tokenizer.
SpecialTokenText special_token_text(const Tokenizer& tokenizer);

// Adds bos, eos, unk, sep, pad, cls and mask tokens of a tokenizer_config.json (a string or an
// object with "content" each). What is null or absent stays as it is; lists of additional tokens
// have no variable in templates.
Status add_special_tokens(std::string_view tokenizer_config_json, SpecialTokenText& special);

// Adds those that GGUF metadata gives by id.
Status add_special_tokens(const formats::GgufMetadata& metadata, const Tokenizer& tokenizer,
                          SpecialTokenText& special);

}  // namespace lathe::text
