// SentencePiece's vocabularies, from tokenizer.model or GGUF, as the components of tokenizer.json
// that make the same ids. Internal to src/text.
//
// Pieces of type "user defined" are cut out before the model runs, "control" and "unknown" ones are
// added tokens. A dummy prefix goes in front of each text between added tokens.
// Source: sentencepiece_model.proto, normalizer.cc and bpe_model.cc of SentencePiece.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {

// The numbers that tokenizer.model and GGUF give the types of pieces.
enum class PieceType : std::int32_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6,
};

struct SentencePieces {
  bool unigram = true;              // otherwise BPE by scores
  std::vector<std::string> tokens;  // by id; valid UTF-8
  std::vector<float> scores;
  std::vector<PieceType> types;
  std::optional<std::int32_t> unk, bos, eos;
  std::string charsmap;  // precompiled_charsmap; empty: text stays as it is
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;  // a space is "▁"
  bool byte_fallback = false;
};

// A tokenizer.model. Errors: bytes that are no such model, a type of model other than Unigram and
// BPE, white space as suffix.
Result<SentencePieces> parse_sentence_piece_model(std::string_view bytes);

// The tokenizer, nothing around the text. Errors: limit.
Result<TokenizerSpec> spec_from_pieces(SentencePieces pieces);

}  // namespace lathe::text
