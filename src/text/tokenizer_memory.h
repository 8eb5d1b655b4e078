// The steps by which the tables of a tokenizer are made from its description. Internal to src/text.
#pragma once

#include <cstdint>
#include <vector>

#include "text/tokenizer_parts.h"

namespace lathe::text {

// Spellings, marks (but for those of texts) and ids. Errors: a spelling that stands twice, an added
// token that contradicts the vocabulary.
Status collect_tokens(const TokenizerSpec& spec, TokenizerMemory& memory);

// What each token adds to a text, and which ones are single bytes.
struct TokenTexts {
  StringTableBuilder texts;
  std::vector<std::size_t> fallback;
};
// REQUIRES: the parts have their pipeline, and tables with spellings.
Status collect_texts(const Tokenizer::Parts& parts, TokenTexts& out);

// What the model looks up; takes merges and scores out of the description, and sets its
// cuts_at_marks. REQUIRES: collect_tokens(), and settings with byte_level. Errors: a merge out of
// range.
Status collect_model(TokenizerSpec& spec, TokenizerMemory& memory);

}  // namespace lathe::text
