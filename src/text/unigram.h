// Unigram: of all ways to cut a word into tokens, the one whose scores have the greatest sum.
//
// Characters that no token covers are unknown, ten below the lowest score; neighbouring ones are
// one unknown token, or the <0x..> tokens of their bytes where byte_fallback is on and all are
// there. Time is linear in the word, times the length of the longest token at worst.
// Source: Kudo, Subword Regularization (2018); SentencePiece's unigram_model.cc.
#pragma once

#include <span>
#include <vector>

#include "text/string_table.h"
#include "text/token_model.h"
#include "text/trie.h"

namespace lathe::text {

class Unigram final : public TokenModel {
 public:
  struct Vocabulary {
    // By id. A spelling that stands twice means its last id; an empty one is never found.
    StringTable surfaces;
    std::span<const double> scores;  // outlive the model
    std::int32_t unk = 0;
    std::vector<std::int32_t> byte_tokens;  // by byte, -1 for none; empty: no byte fallback
    bool byte_level = false;                // characters are bytes
  };

  // REQUIRES: as many scores as surfaces, none of them NaN; unk is an id.
  explicit Unigram(const Vocabulary& vocabulary);

  void encode(std::string_view word, std::vector<std::int32_t>& out,
              ModelScratch& scratch) const override;

 private:
  void find_best_path(std::string_view word, std::vector<ViterbiScratch::Place>& places) const;
  void append_unknown(std::string_view text, std::vector<std::int32_t>& backwards) const;

  Trie trie_;
  std::span<const double> scores_;
  std::int32_t unk_;
  double unk_score_ = 0;
  std::vector<std::int32_t> byte_tokens_;
  bool byte_level_;
};

}  // namespace lathe::text
