#include "text/split_stage.h"

#include <fmt/format.h>

namespace lathe::text {
Result<SplitBehavior> parse_split_behavior(const std::string& name) {
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  return Error::unsupported(
      fmt::format("the split behavior `{}` is not one that Lathe knows", name));
}

// Whether the next part belongs to the word that is being made.
bool PartSplitter::joins(bool match) const {
  switch (behavior_) {
    case SplitBehavior::merged_with_previous:
      return match && !last_is_match_;
    case SplitBehavior::merged_with_next:
      return !match && last_is_match_;
    case SplitBehavior::contiguous:
      return match == last_is_match_;
    case SplitBehavior::removed:
    case SplitBehavior::isolated:
      return false;
  }
  return false;
}

void PartSplitter::pass_on() {
  const bool dropped = behavior_ == SplitBehavior::removed && last_is_match_;
  if (end_ > begin_ && !dropped)
    emit_({piece_.text.substr(begin_, end_ - begin_), piece_.first && begin_ == 0});
  begin_ = end_;
}

void PartSplitter::add(std::size_t end, bool match) {
  if (end <= end_) return;
  if (!joins(match)) pass_on();
  end_ = end;
  last_is_match_ = match;
}

void PartSplitter::finish(bool match) {
  add(piece_.text.size(), match);
  pass_on();
}

Status SplitStage::run(Piece piece, PieceSink emit) const {
  PartSplitter splitter(piece, behavior_, emit);
  Regex::Matcher matcher(regex_, piece.text);
  while (true) {
    LATHE_TRY(const auto match, matcher.next());
    if (!match) break;
    splitter.add(match->begin, invert_);
    splitter.add(match->end, !invert_);
  }
  splitter.finish(invert_);
  return {};
}

}  // namespace lathe::text
