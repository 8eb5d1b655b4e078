// The tokenizer of a Hugging Face folder, from whichever files it has: tokenizer.json; else
// tokenizer.model (SentencePiece); else vocab.json with merges.txt (GPT-2, RoBERTa) or vocab.txt
// (BERT). What older files leave to the program that reads them (which control tokens go around a
// text, whether capitals stay) is taken from tokenizer_config.json, special_tokens_map.json,
// added_tokens.json and the tokenizer's class; a class whose ways are not known here is an error
// that names it.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "formats/hf_texts.h"
#include "text/tokenizer.h"

namespace lathe::text {

// Nothing when the folder has none of these files.
Result<std::optional<Tokenizer>> find_tokenizer(const os::Path& folder);

// The bytes of a tokenizer.model. config_json is the tokenizer_config.json beside it, or empty:
// then nothing goes around a text. Errors: damage, what Lathe cannot do.
Result<Tokenizer> tokenizer_from_sentence_piece(std::string_view bytes,
                                                std::string_view config_json);

}  // namespace lathe::text
