// How the states of an encoder become the one vector of a text, as the model's own files say:
// sentence-transformers' modules.json, the folder of its pooling module, sentence_bert_config.json
// and config_sentence_transformers.json beside a Hugging Face folder; "bert.pooling_type" in GGUF.
//
// Source: sentence-transformers 6 (modules Transformer, Pooling, Normalize), whose rules hold here;
// llama.cpp's enum llama_pooling_type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/encoder_config.h"
#include "formats/gguf_metadata.h"
#include "os/file.h"

namespace lathe::formats {

enum class Pooling {
  cls,   // the first token's state
  mean,  // the mean over all tokens, those that the tokenizer adds included
  max,   // the greatest value of each component
  last,  // the last token's state
};

// "cls", "mean", "max", "last".
std::string_view name_of(Pooling pooling);
// Errors: bad_input, naming those that there are.
Result<Pooling> pooling_named(std::string_view name);

struct EmbeddingConfig {
  std::optional<Pooling> pooling;  // nothing: the files do not say
  bool normalised = false;         // the vector is divided by its length
  std::int64_t max_tokens = 0;     // of a text, those that the tokenizer adds included
  // What may go before a text, by name ("query"), and which of them does when none is asked for.
  std::map<std::string, std::string, std::less<>> prompts;
  std::optional<std::string> default_prompt;

  bool operator==(const EmbeddingConfig&) const = default;
};

// folder: of a Hugging Face model. Without a modules.json there is no pooling. max_tokens is
// "max_seq_length" of sentence_bert_config.json or "model_max_length" of tokenizer_config.json, and
// never more than the model has positions for.
// Errors: io; bad_input; unsupported (another module, another pooling, a field that changes
// results), naming the file and the field.
Result<EmbeddingConfig> embedding_config_of_folder(const os::Path& folder,
                                                   const EncoderConfig& config);

// A GGUF file does not say whether vectors are normalised; the programs that such files are made
// for (llama.cpp's server, Ollama) do it always, so it is done here.
// Errors: bad_input; unsupported (a reranker's pooling).
Result<EmbeddingConfig> embedding_config_of_gguf(const GgufMetadata& metadata,
                                                 const EncoderConfig& config);

// The files beside config.json, tokenizer and weights that embedding_config_of_folder() reads, as
// paths relative to the folder: those that are there.
Result<std::vector<std::string>> embedding_files(const os::Path& folder);

}  // namespace lathe::formats
