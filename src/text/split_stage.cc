#include "text/split_stage.h"

#include <fmt/format.h>

namespace lathe::text {
namespace {

struct Part {
  Span span;
  bool match = false;
};

// The whole text as matches and what lies between; empty parts are left out.
std::vector<Part> parts_of(const Regex& regex, std::string_view text, bool invert) {
  std::vector<Part> parts;
  std::size_t done = 0;
  const auto add = [&](std::size_t end, bool match) {
    if (end > done) parts.push_back({{done, end}, match != invert});
    done = end;
  };
  Regex::Matcher matcher(regex, text);
  while (const auto match = matcher.next()) {
    add(match->begin, false);
    add(match->end, true);
  }
  add(text.size(), false);
  return parts;
}

std::vector<Part> merge_with_previous(const std::vector<Part>& parts) {
  std::vector<Part> merged;
  bool after_match = false;
  for (const Part& part : parts) {
    if (part.match && !after_match && !merged.empty())
      merged.back().span.end = part.span.end;
    else
      merged.push_back({part.span, false});
    after_match = part.match;
  }
  return merged;
}

std::vector<Part> merge_with_next(const std::vector<Part>& parts) {
  std::vector<Part> merged;  // backwards
  bool before_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !before_match && !merged.empty())
      merged.back().span.begin = part->span.begin;
    else
      merged.push_back({part->span, false});
    before_match = part->match;
  }
  return {merged.rbegin(), merged.rend()};
}

std::vector<Part> merge_runs(const std::vector<Part>& parts) {
  std::vector<Part> merged;
  for (const Part& part : parts) {
    if (!merged.empty() && merged.back().match == part.match)
      merged.back().span.end = part.span.end;
    else
      merged.push_back(part);
  }
  return merged;
}

std::vector<Part> without_matches(std::vector<Part> parts) {
  std::erase_if(parts, [](const Part& part) { return part.match; });
  return parts;
}

}  // namespace

Result<SplitBehavior> parse_split_behavior(const std::string& name) {
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  return Error::unsupported(
      fmt::format("the split behavior `{}` is not one that Lathe knows", name));
}

// The common case, without a list of parts: every match and every gap is a word.
void SplitStage::run_isolated(Piece piece, PieceSink emit) const {
  std::size_t done = 0;
  const auto pass_on = [&](std::size_t end) {
    if (end > done) emit({piece.text.substr(done, end - done), piece.first && done == 0});
    done = end;
  };
  Regex::Matcher matcher(regex_, piece.text);
  while (const auto match = matcher.next()) {
    pass_on(match->begin);
    pass_on(match->end);
  }
  pass_on(piece.text.size());
}

void SplitStage::run(Piece piece, PieceSink emit) const {
  if (behavior_ == SplitBehavior::isolated) return run_isolated(piece, emit);
  std::vector<Part> parts = parts_of(regex_, piece.text, invert_);
  switch (behavior_) {
    case SplitBehavior::removed:
      parts = without_matches(std::move(parts));
      break;
    case SplitBehavior::merged_with_previous:
      parts = merge_with_previous(parts);
      break;
    case SplitBehavior::merged_with_next:
      parts = merge_with_next(parts);
      break;
    case SplitBehavior::contiguous:
      parts = merge_runs(parts);
      break;
    case SplitBehavior::isolated:
      break;
  }
  for (const auto& [span, match] : parts)
    emit({piece.text.substr(span.begin, span.end - span.begin), piece.first && span.begin == 0});
}

}  // namespace lathe::text
