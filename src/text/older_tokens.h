// The added tokens of a tokenizer from before tokenizer.json, as transformers reads them: the
// fields of tokenizer_config.json and special_tokens_map.json that name a control token
// ("bos_token"), and the lists added_tokens_decoder and added_tokens.json. Internal to src/text.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "formats/hf_texts.h"
#include "text/json_fields.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {

// A control token that a tokenizer's class knows, where no file names it.
struct UsualToken {
  const char* field;  // "mask_token"
  const char* name;
  bool lstrip = false;
};

// tokenizer_config.json with what the files beside it say instead: the fields of
// special_tokens_map.json, and added_tokens.json as the field of that name. A config with
// added_tokens_decoder says all of it itself.
Result<Json> with_older_files(const os::Path& folder, Json config);

// The token that a field names (a string or an object with "content"); else the usual one; else
// an empty name.
Result<std::string> token_name(const Json& config, const char* field,
                               std::span<const UsualToken> usual);

// The id of a token of the vocabulary or of an added one.
std::optional<std::int32_t> find_token(const TokenizerSpec& spec, std::string_view name);

// Adds all of them to spec.added; a control token that the vocabulary lacks gets the next free id,
// as in transformers. Errors: bad_input, naming the field.
Status add_older_tokens(const Json& config, std::span<const UsualToken> usual, TokenizerSpec& spec);

}  // namespace lathe::text
