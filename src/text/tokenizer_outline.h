// A tokenizer's outline as JSON text, and back: what a packed tokenizer has beside its tables.
// Internal to src/text.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer_parts.h"

namespace lathe::text {

// With the control tokens of the tokenizer, which may be other ones than those of its files.
std::string outline_json(const TokenizerOutline& outline, ControlTokens control);

// Errors: unsupported (another version of packed tokenizers), bad_input.
Result<TokenizerOutline> outline_from_json(std::string_view text);

}  // namespace lathe::text
