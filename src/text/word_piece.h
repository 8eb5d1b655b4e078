// WordPiece: a word is the longest token that it begins with, then the longest that continues it,
// and so on; a word that cannot be made so whole is the unknown token. WordLevel is the same with
// tokens that are whole words only.
//
// Source: Schuster, Nakajima (2012); Devlin et al. (2019), tokenization.py.
#pragma once

#include <string>
#include <vector>

#include "text/string_table.h"
#include "text/token_model.h"
#include "text/trie.h"

namespace lathe::text {

struct WordPieceSettings {
  std::string prefix = "##";          // stands before the spelling of tokens that continue a word
  std::int64_t max_characters = 100;  // longer words are unknown
  bool byte_level = false;            // characters are bytes; set by the pre-tokenizer
};

class WordPiece final : public TokenModel {
 public:
  // surfaces[id] is a token's spelling, prefix included; empty for an id that text never becomes.
  WordPiece(StringTable surfaces, std::int32_t unk, WordPieceSettings settings);

  void encode(std::string_view word, std::vector<std::int32_t>& out,
              ModelScratch& scratch) const override;

 private:
  Trie first_, continuing_;
  std::int32_t unk_;
  WordPieceSettings settings_;
};

class WordLevel final : public TokenModel {
 public:
  // surfaces as for WordPiece.
  WordLevel(StringTable surfaces, std::int32_t unk);

  void encode(std::string_view word, std::vector<std::int32_t>& out,
              ModelScratch& scratch) const override;

 private:
  Trie words_;
  std::int32_t unk_;
};

}  // namespace lathe::text
