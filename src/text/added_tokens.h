// Finds added tokens ("<|im_end|>", "<s>") in text before anything else happens to it.
//
// At each place the longest token wins, and matches never overlap; then single_word may reject the
// match, and lstrip and rstrip take the white space beside it. Tokens that are "normalized" are
// looked for after the normalizer, in normalized spelling; the others before it.
// Immutable; split() may be called from many threads at once. Time is linear in the text, times the
// length of the longest token at worst.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace lathe::text {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;  // only between characters that are not of words
  bool lstrip = false;       // takes white space before it
  bool rstrip = false;       // takes white space after it
  bool normalized = false;   // looked for in normalized text
  bool special = false;      // a control token
};

// A token, or text between tokens (id empty).
struct AddedPiece {
  std::string_view text;
  std::optional<std::int32_t> id;
};

// Looks for one set of spellings.
class AddedTokenFinder {
 public:
  // spellings[i] is what tokens[i] looks like in the text; empty ones are never found. Of equal
  // spellings the first wins.
  AddedTokenFinder() = default;
  AddedTokenFinder(std::vector<AddedToken> tokens, const std::vector<std::string>& spellings);

  bool empty() const { return tokens_.empty(); }

  // Calls emit for each stretch of text and each token, in order. Control tokens are left in the
  // text unless parse_special. REQUIRES: valid UTF-8.
  void split(std::string_view text, bool parse_special, FunctionRef<void(AddedPiece)> emit) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::int32_t>> children;  // sorted by byte
    std::int32_t token = -1;  // index of the one that ends here
  };
  struct Match {
    std::size_t length = 0;
    std::int32_t token = -1;
  };

  void insert(std::string_view spelling, std::int32_t token);
  std::int32_t child(std::int32_t node, unsigned char byte) const;
  Match longest_at(std::string_view text) const;
  bool acceptable(const AddedToken& token, std::string_view before, std::string_view after,
                  bool parse_special) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::array<bool, 256> starts_{};  // bytes that some token begins with
};

}  // namespace lathe::text
