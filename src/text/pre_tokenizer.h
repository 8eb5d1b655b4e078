// The pre-tokenizer of tokenizer.json: cuts normalized text into the words that are encoded apart.
//
// Knows ByteLevel, BertPreTokenizer, Split, Digits, Punctuation, Whitespace, WhitespaceSplit,
// CharDelimiterSplit, FixedLength, Metaspace and Sequence; another type is an error that names it.
//
// With a ByteLevel stage the words come out as the raw bytes they stand for, not in the byte-level
// alphabet (is_byte_level()): the vocabulary is then looked up by bytes, which is the same and
// faster. Immutable; run() may be called from many threads at once.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace lathe::text {

// A stretch of text, and whether it begins where the whole text begins.
struct Piece {
  std::string_view text;
  bool first = false;
};

using PieceSink = FunctionRef<void(Piece)>;

// One step: takes a piece apart, or rewrites it. The pieces passed on live until emit returns.
// Errors: limit (a pattern that takes too many steps); what was passed on before stays so.
class PreTokenizerStage {
 public:
  virtual ~PreTokenizerStage() = default;
  virtual Status run(Piece piece, PieceSink emit) const = 0;
};

class PreTokenizer {
 public:
  // Leaves the text whole.
  PreTokenizer() = default;

  // `component` is the value of "pre_tokenizer"; null for none.
  static Result<PreTokenizer> from_json(const nlohmann::json& component);

  bool is_byte_level() const { return byte_level_; }

  // Calls emit for each word, in order; none is empty. REQUIRES: valid UTF-8. Errors: as a stage's.
  Status run(Piece piece, PieceSink emit) const;

 private:
  Status add(const nlohmann::json& component, int depth);
  Status add_stage(std::shared_ptr<const PreTokenizerStage> stage);
  Status add_byte_level(const nlohmann::json& component);
  Status run_from(std::size_t stage, Piece piece, PieceSink emit) const;

  std::vector<std::shared_ptr<const PreTokenizerStage>> stages_;
  bool byte_level_ = false;
  bool in_alphabet_ = false;  // a stage after ByteLevel reads its alphabet: undone at the end
};

}  // namespace lathe::text
