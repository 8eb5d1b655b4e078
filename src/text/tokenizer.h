// Text to token ids and back, exactly as the model's own tokenizer.json (or GGUF vocabulary) says.
//
// A tokenizer runs the real pipeline of tokenizer.json: added tokens are cut out of the text, the
// rest is normalized, split into words, the model (BPE, Unigram, WordPiece, WordLevel) makes ids of
// each word, and the post-processor adds control tokens around the whole. An unknown component is
// an error that names it.
//
// Token ids are int32 in [0, vocab_size()). Control tokens ("special": <s>, <|im_end|>, …) come out
// of encode() only through parse_special, add_special_tokens or the model's own byte-fallback and
// unknown tokens: never by merges over plain text, so that a user's text cannot forge them.
//
// A Tokenizer is immutable and cheap to copy (a shared pointer); all const members may be called
// from any number of threads at once.
// Source of the semantics: huggingface.co/docs/tokenizers (components) and the file format itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::formats {
class GgufMetadata;
}

namespace lathe::text {

struct EncodeOptions {
  // Adds what the post-processor says: <s> before, </s> after, or nothing.
  bool add_special_tokens = false;
  // "<|end|>" in the text becomes the control token. Leave false for text that users wrote; true is
  // for rendered chat templates. Added tokens that are not control tokens are found either way.
  bool parse_special = false;
};

struct DecodeOptions {
  bool skip_special = true;  // control tokens leave no text
};

// The control tokens that tokenizer.json itself does not name.
struct ControlTokens {
  std::optional<std::int32_t> bos = {};
  std::optional<std::int32_t> eos = {};
};

class Tokenizer {
 public:
  // The text of a tokenizer.json. bos and eos are what its post-processor puts before and after the
  // text, if anything; apply_tokenizer_config() or with_control_tokens() say it better.
  static Result<Tokenizer> from_tokenizer_json(std::string_view json);

  // The metadata of a GGUF file: tokenizer.huggingface.json where it is there, else the
  // tokenizer.ggml.* keys, whose model must be "gpt2" (byte-level BPE; its pre must be in the table
  // of pre_tokenizer_names.h), "llama", "t5" or "bert"; anything else is an error that names it.
  static Result<Tokenizer> from_gguf(const formats::GgufMetadata& metadata);

  // Reads bos_token and eos_token from the text of a tokenizer_config.json (a string or an object
  // with "content"; null or absent leaves what is known). Error: a name that the vocabulary lacks.
  Result<Tokenizer> apply_tokenizer_config(std::string_view json) const;

  // The same tokenizer with these control tokens. REQUIRES: ids below vocab_size().
  Tokenizer with_control_tokens(ControlTokens tokens) const;

  // Any bytes, fewer than 256 MiB (bound them before); what is not UTF-8 is replaced by U+FFFD, one
  // for each maximal ill-formed part (Unicode 15 section 3.9). Time grows as n log n at worst.
  // Errors: limit, when a pattern of the model's own takes too many steps on this text.
  Result<std::vector<std::int32_t>> encode(std::string_view text, EncodeOptions options = {}) const;

  // Valid UTF-8 always. An id outside the vocabulary leaves no text.
  std::string decode(std::span<const std::int32_t> ids, DecodeOptions options = {}) const;

  // One past the greatest id, added tokens included.
  std::int32_t vocab_size() const;

  // By the token's spelling in the file ("Ġthe", "<|im_end|>").
  std::optional<std::int32_t> token_to_id(std::string_view token) const;

  // The token's spelling in the file; empty for an id without a token.
  std::string_view id_to_token(std::int32_t id) const;

  // The bytes that the token adds in the middle of a text; may be part of a character. Empty for an
  // id without a token. Control tokens give their spelling. The view lives as long as a copy does.
  std::string_view token_bytes(std::int32_t id) const;

  bool is_special(std::int32_t id) const;
  std::optional<std::int32_t> bos_id() const;
  std::optional<std::int32_t> eos_id() const;

  // FNV-1a (64 bits, 16 hex digits) over vocabulary, merges, added tokens and pipeline: two
  // tokenizers with the same hash make the same ids. bos and eos are not part of it.
  std::string hash() const;

  // A tokenizer.json that loads to the same tokenizer (same hash), for Lathe and Hugging Face.
  std::string to_tokenizer_json() const;

  // The tokenizer_config.json beside it: names of bos and eos.
  std::string to_tokenizer_config_json() const;

  // The parts, for text_stream.h and tokenizer_gguf.h.
  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  friend struct TokenizerBuilder;
  explicit Tokenizer(std::shared_ptr<const Parts> parts, ControlTokens control)
      : parts_(std::move(parts)), control_(control) {}

  std::shared_ptr<const Parts> parts_;
  ControlTokens control_;
};

}  // namespace lathe::text
