// What an encoder is (BERT and its kin), in one validated description, whichever file it came from:
// Hugging Face's config.json or the metadata of a GGUF file. What a family has beside BERT stands
// in its file of formats/encoders; the forward pass (models/encoder.h) reads this description
// alone. docs/decisions/007 says why it is not a DecoderConfig.
//
// An EncoderConfig that a function here returned holds check()'s promises: all sizes positive and
// bounded, hidden_size a multiple of heads, at least one position for a text. A field that would
// change results and is not supported is an `unsupported` error that names it.
//
// Source: Devlin et al. 2018, Liu et al. 2019; transformers' configuration classes (defaults of
// absent fields included); llama.cpp's gguf-py constants for the keys of GGUF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/decoder_config.h"
#include "formats/gguf_metadata.h"

namespace lathe::formats {

struct EncoderConfig {
  std::string family = "bert";  // a name of formats/encoders
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;        // of hidden_size / heads values each
  std::int64_t positions = 0;    // rows of the table of positions
  std::int64_t token_types = 0;  // rows of the table of token types, the first of which is added to
                                 // every token of a text; 0: there is no table
  double norm_eps = 1e-12;
  Activation activation = Activation::gelu;
  // RoBERTa: positions count from counted_pad_id + 1, and a pad token inside a text stands at
  // counted_pad_id and is not counted. Nothing: positions count from 0.
  std::optional<std::int64_t> counted_pad_id;

  bool operator==(const EncoderConfig&) const = default;
};

// Ranges and cross-checks of every field; the error names the field.
Status check(const EncoderConfig& config);

// Tokens that a text may have, those that the tokenizer adds included.
std::int64_t max_tokens(const EncoderConfig& config);

// The row of the table of positions for each token. REQUIRES: tokens.size() <= max_tokens().
std::vector<std::int32_t> positions_of(const EncoderConfig& config,
                                       const std::vector<std::int32_t>& tokens);

// From the text of config.json. Errors: bad_input, unsupported.
Result<EncoderConfig> encoder_config_from_json(std::string_view config_json);

// token_types: rows of the file's "token_types.weight", 0 when it has none.
Result<EncoderConfig> encoder_config_from_gguf(const GgufMetadata& metadata,
                                               std::int64_t token_types);

// Every name that EncoderConfig::family can have.
std::vector<std::string> encoder_family_names();

// Whether config.json's model_type, or GGUF's general.architecture, is that of an encoder.
bool is_encoder_type(std::string_view model_type);

}  // namespace lathe::formats
