// The inside of a Tokenizer: what it is made from (TokenizerSpec) and what it runs on
// (Tokenizer::Parts). For the files of src/text that make, write or stream tokenizers.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_tables.h"
#include "text/word_cache.h"
#include "text/word_piece.h"

namespace lathe::text {

enum class ModelKind { bpe, unigram, word_piece, word_level };

// What a tokenizer is beside its vocabulary.
struct TokenizerOutline {
  ModelKind model = ModelKind::bpe;
  std::vector<AddedToken> added;  // by ascending id once a tokenizer is made
  // unk of every model, byte_fallback of BPE and Unigram, the rest of BPE; byte_level is set by the
  // pre-tokenizer.
  BpeSettings settings;
  WordPieceSettings word_piece;
  // Components as JSON text, keys sorted; "null" for none.
  std::string normalizer = "null", pre_tokenizer = "null", post_processor = "null",
              decoder = "null";
  ControlTokens control;
};

// A tokenizer as a file describes it, before anything is compiled. Added tokens may be in `tokens`
// too, then with the same id.
struct TokenizerSpec : TokenizerOutline {
  std::vector<std::string> tokens;  // the model's vocabulary by id; empty: no such token
  std::vector<BpeMerge> merges;     // BPE: ids below tokens.size()
  std::vector<double> scores;       // Unigram: by id
};

// Bounds of what is read from files.
inline constexpr std::int32_t kMaxTokens = 1 << 22;
inline constexpr std::size_t kMaxMerges = std::size_t{1} << 23;
// And of a text that is encoded in one piece: symbols are counted in 32 bits, and a normalizer may
// lengthen the text.
inline constexpr std::size_t kMaxTextBytes = std::size_t{256} << 20;

struct Tokenizer::Parts {
  TokenizerOutline outline;
  TokenizerTables tables;
  std::shared_ptr<const void> memory;                    // what the tables look into
  std::unordered_map<std::size_t, std::string> renamed;  // by id: what the decoder gets instead
  AddedTokenFinder added_before, added_after;            // before and after the normalizer
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::shared_ptr<const TokenModel> model;
  PostProcessor post_processor;
  Decoder decoder;
  mutable ScratchPool scratches;

  // What a token adds at a place; like texts[id] in the middle of a text. REQUIRES: id < size().
  TokenText text_at(std::size_t id, TokenPlace place) const;
  // The spelling that the decoder gets. REQUIRES: as before.
  std::string_view decoded_as(std::size_t id) const;
  // The description that it could be made of again.
  TokenizerSpec spec() const;
  // See Tokenizer::hash(). Taken when it is first asked for: a start does not need it.
  std::uint64_t hash() const;

 private:
  mutable std::once_flag hashed_;
  mutable std::uint64_t hash_ = 0;
};

struct TokenizerBuilder {
  // Errors: a spelling that stands twice, an added token that contradicts the vocabulary, a merge
  // out of range, and whatever the components refuse.
  static Result<Tokenizer> build(TokenizerSpec spec);
  // From tables that are there already; `memory` keeps what they look into. They may be foreign.
  // Errors: an outline that does not fit them, and whatever the components refuse.
  static Result<Tokenizer> assemble(TokenizerOutline outline, const TokenizerTables& tables,
                                    std::shared_ptr<const void> memory);
  // See Tokenizer::hash().
  static std::uint64_t fingerprint(const Tokenizer::Parts& parts);
};

// The description in a tokenizer.json; components are not checked yet.
Result<TokenizerSpec> spec_from_tokenizer_json(std::string_view json);

// The value of "model" into the fields of `spec` that are the model's, and back.
Status read_model_json(const nlohmann::json& model, TokenizerSpec& spec);
std::string model_json(const TokenizerSpec& spec);
// A JSON string literal; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace lathe::text
