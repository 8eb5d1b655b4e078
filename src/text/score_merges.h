// The merges that a SentencePiece BPE vocabulary implies. Internal to src/text.
//
// Such a vocabulary has a score for each token and no list of merges: of all neighbouring pieces
// whose joint spelling is a token, those that make the token of the highest score are joined first.
// That is byte pair encoding whose merges are all pairs that spell a token, ranked by its score.
// Source: SentencePiece's bpe_model.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/bpe.h"

namespace lathe::text {

// tokens[id] with scores[id]; only tokens with mergeable[id] are made by joining. REQUIRES: equal
// sizes; tokens are valid UTF-8.
std::vector<BpeMerge> merges_from_scores(std::span<const std::string> tokens,
                                         std::span<const float> scores,
                                         const std::vector<bool>& mergeable);

}  // namespace lathe::text
