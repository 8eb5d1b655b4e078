// Cutting by a regular expression, with the five behaviours of tokenizer.json's Split.
#pragma once

#include "text/pre_tokenizer.h"
#include "text/regex.h"

namespace lathe::text {

// What becomes of the matches.
enum class SplitBehavior {
  removed,               // dropped: they only separate
  isolated,              // words of their own
  merged_with_previous,  // joined to the word before
  merged_with_next,      // joined to the word after
  contiguous,            // runs of matches are one word
};

// The name as tokenizer.json has it ("Isolated", "MergedWithNext", …).
Result<SplitBehavior> parse_split_behavior(const std::string& name);

class SplitStage final : public PreTokenizerStage {
 public:
  // With invert, what lies between the matches counts as the matches.
  SplitStage(Regex regex, SplitBehavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

  void run(Piece piece, PieceSink emit) const override;

 private:
  void run_isolated(Piece piece, PieceSink emit) const;

  Regex regex_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace lathe::text
