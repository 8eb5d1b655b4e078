// The pre-tokenizers that GGUF files name in tokenizer.ggml.pre, as the components of
// tokenizer.json that do the same. A name alone is all that a GGUF file says about how text is cut,
// so a name that is not in this table cannot be guessed. Source: the published tokenizer.json of
// the models that gave the names; llama.cpp's src/llama-vocab.cpp for which name means which.
#pragma once

#include <string>
#include <string_view>

namespace lathe::text {

// What else a name means for the models that gave it.
struct NamedHabits {
  bool ignore_merges = false;
  bool add_bos = false, add_eos = false;  // where the file does not say
};

struct NamedPreTokenizer {
  std::string name;           // as GGUF has it: "gpt-2", "smollm", "llama-bpe", …
  std::string normalizer;     // JSON, keys sorted; "null" for none
  std::string pre_tokenizer;  // JSON, keys sorted
  NamedHabits habits = {};
};

// By its name or one of the other names for the same thing; nullptr for an unknown one.
const NamedPreTokenizer* find_pre_tokenizer(std::string_view name);

// The entry that cuts as these components do; nullptr when none does.
const NamedPreTokenizer* match_pre_tokenizer(std::string_view normalizer,
                                             std::string_view pre_tokenizer, bool ignore_merges);

// A component's JSON with sorted keys and without what only says where tokens lie in the text:
// equal for components that cut alike.
std::string component_essence(std::string_view component);

// "falcon, gpt-2, …" for error messages.
std::string pre_tokenizer_names();

}  // namespace lathe::text
