// The patterns that most models cut their text by, matched by hand: the same words as PCRE2 finds,
// several times as fast. Source: the tokenizer.json of GPT-2, LLaMA 3 and Qwen2.
#pragma once

#include <memory>
#include <string_view>

#include "text/pre_tokenizer.h"

namespace lathe::text {

// GPT-2's pattern: contractions, letters, digits or other signs with one space before, white space.
extern const char* const kGpt2Pattern;

// The stage that cuts by this pattern, every match a word of its own; null for a pattern that is
// not known here.
std::shared_ptr<const PreTokenizerStage> known_split(std::string_view pattern);

}  // namespace lathe::text
