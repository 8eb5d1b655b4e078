// The model of a tokenizer: one word of normalized text in, token ids out.
//
// Immutable; any number of threads may encode at once, each with a scratch of its own.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lathe::text {

// Room that a model reuses from word to word; each model has its own kind.
struct BpeScratch {
  struct Symbol {
    std::int32_t id = 0;
    std::int32_t previous = -1, next = -1;  // neighbours; id < 0: merged away
  };
  struct Candidate {
    std::uint32_t rank = 0;
    std::int32_t at = 0;  // the left symbol
    std::int32_t result = 0;
  };
  std::vector<std::int32_t> ids;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

struct ViterbiScratch {
  struct Place {
    double score = 0;        // of the best path that ends here
    std::int32_t from = -1;  // where its last piece begins; -1: no path yet
    std::int32_t id = 0;     // that piece
  };
  std::vector<Place> places;  // by byte, one more than the word has
  std::vector<std::int32_t> ids;
};

struct ModelScratch {
  BpeScratch bpe;
  ViterbiScratch viterbi;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;

  // Appends the word's ids. REQUIRES: word is not empty, and valid UTF-8 unless the model is
  // byte-level.
  virtual void encode(std::string_view word, std::vector<std::int32_t>& out,
                      ModelScratch& scratch) const = 0;
};

}  // namespace lathe::text
