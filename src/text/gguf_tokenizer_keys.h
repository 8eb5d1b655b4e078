// The keys of GGUF metadata that describe a tokenizer, and readers that its files share. Internal
// to src/text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/gguf_metadata.h"
#include "text/tokenizer_parts.h"

namespace lathe::text::gguf {

inline constexpr const char* kModel = "tokenizer.ggml.model";
inline constexpr const char* kPre = "tokenizer.ggml.pre";
inline constexpr const char* kTokens = "tokenizer.ggml.tokens";
inline constexpr const char* kTokenTypes = "tokenizer.ggml.token_type";
inline constexpr const char* kMerges = "tokenizer.ggml.merges";
inline constexpr const char* kScores = "tokenizer.ggml.scores";
inline constexpr const char* kUnk = "tokenizer.ggml.unknown_token_id";
inline constexpr const char* kBos = "tokenizer.ggml.bos_token_id";
inline constexpr const char* kEos = "tokenizer.ggml.eos_token_id";
inline constexpr const char* kSep = "tokenizer.ggml.seperator_token_id";  // ggml's own spelling
inline constexpr const char* kCls = "tokenizer.ggml.cls_token_id";
inline constexpr const char* kAddBos = "tokenizer.ggml.add_bos_token";
inline constexpr const char* kAddEos = "tokenizer.ggml.add_eos_token";
inline constexpr const char* kAddSep = "tokenizer.ggml.add_sep_token";
inline constexpr const char* kAddPrefix = "tokenizer.ggml.add_space_prefix";
inline constexpr const char* kRemoveSpaces = "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr const char* kCharsmap = "tokenizer.ggml.precompiled_charsmap";
inline constexpr const char* kHuggingFace = "tokenizer.huggingface.json";

// The numbers of tokenizer.ggml.token_type.
enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

// The id that a key names; nothing without the key. Errors: an id outside the vocabulary.
Result<std::optional<std::int32_t>> read_id(const formats::GgufMetadata& metadata, const char* key,
                                            std::size_t vocab_size);

// BOS and EOS around the text, as the file says; by `otherwise` where it does not.
struct Around {
  bool bos = false, eos = false;
};
Status read_around(const formats::GgufMetadata& metadata, Around otherwise, TokenizerSpec& spec);

// Models whose pieces have scores or prefixes instead of merges; spec.tokens is read already.
// "llama": SentencePiece BPE; "t5": SentencePiece Unigram; "bert": WordPiece.
Status read_llama(const formats::GgufMetadata& metadata, TokenizerSpec& spec);
Status read_t5(const formats::GgufMetadata& metadata, TokenizerSpec& spec);
Status read_bert(const formats::GgufMetadata& metadata, TokenizerSpec& spec);

}  // namespace lathe::text::gguf
