// A keyword index in memory over a list of texts, with the tokenizer and the ranking of a knowledge
// base (BM25 over Porter stems): for choosing few-shot examples and other small, passing lists.
//
// Thread-safe: a mutex lets one search in at a time. Memory: about twice the texts.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::retrieval {

class KeywordIndex {
 public:
  struct Hit {
    std::size_t index = 0;  // of the text in the list
    double score = 0;       // BM25: larger is nearer
  };

  static Result<KeywordIndex> build(std::span<const std::string> texts);

  // At most k texts that share a term with the query, best first; equal scores in list order. Empty
  // when the query has no term that occurs. Error: limit (query.h: kMaxQueryTerms).
  Result<std::vector<Hit>> search(std::string_view query, std::size_t k) const;

 private:
  struct State;
  explicit KeywordIndex(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace lathe::retrieval
