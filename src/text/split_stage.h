// Cutting text into matches and what lies between, with the five behaviours of tokenizer.json's
// Split.
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

// Takes the parts of one piece in order and emits words as soon as it is known where they end.
class PartSplitter {
 public:
  PartSplitter(Piece piece, SplitBehavior behavior, PieceSink emit)
      : piece_(piece), behavior_(behavior), emit_(emit) {}

  // The part from the end of the last one up to `end` is a match or is none; empty ones are left
  // out.
  void add(std::size_t end, bool match);
  // The rest of the piece is no match (or is one: `match`).
  void finish(bool match = false);

 private:
  bool joins(bool match) const;
  void pass_on();

  Piece piece_;
  SplitBehavior behavior_;
  PieceSink emit_;
  std::size_t begin_ = 0, end_ = 0;  // the word that is being made
  bool last_is_match_ = false;
};

class SplitStage final : public PreTokenizerStage {
 public:
  // With invert, what lies between the matches counts as the matches.
  SplitStage(Regex regex, SplitBehavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

  Status run(Piece piece, PieceSink emit) const override;

 private:
  Regex regex_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace lathe::text
