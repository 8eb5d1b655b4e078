#include "evaluation/recommend.h"

#include <fmt/format.h>

#include <cmath>
#include <tuple>

namespace lathe::evaluation {
namespace {

auto cost_of(const WayResult& way) {
  return std::tuple(std::llround(way.evaluation.prompt_tokens), way.training.has_value(),
                    way.artefact_bytes);
}

bool is_cheaper(const WayResult& a, const WayResult& b) { return cost_of(a) < cost_of(b); }

bool is_better(const WayResult& a, const WayResult& b) {
  if (a.evaluation.overall.right != b.evaluation.overall.right) {
    return a.evaluation.overall.right > b.evaluation.overall.right;
  }
  return is_cheaper(a, b);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string p_text(double p) { return p < 0.0001 ? "p < 0.0001" : fmt::format("p = {:.2g}", p); }

// "40 prompt tokens instead of 402", "no training", "a smaller artefact".
std::string saving(const WayResult& cheap, const WayResult& dear) {
  const auto tokens = std::llround(cheap.evaluation.prompt_tokens);
  const auto more = std::llround(dear.evaluation.prompt_tokens);
  std::string text;
  if (tokens < more) text = fmt::format("{} prompt tokens instead of {}", tokens, more);
  if (!cheap.training && dear.training) text += text.empty() ? "no training" : ", and no training";
  return text.empty() ? "a smaller artefact" : text;
}

std::string score_text(const WayResult& way) {
  const Score& score = way.evaluation.overall;
  return fmt::format("{} has {} of {} rows right (95 % interval {:.1f} to {:.1f} %)",
                     to_string(way.way), percent(score.accuracy), score.rows,
                     100 * score.interval.low, 100 * score.interval.high);
}

// How the chosen way, which is the best, stands to the next.
std::string against_next(const WayResult& chosen, const WayResult& next) {
  const PairedComparison paired = compare_ways(chosen, next);
  const std::string next_score = percent(next.evaluation.overall.accuracy);
  if (paired.p > kSignificance) {
    return fmt::format("; {} comes near ({}, {}), but it is not cheaper", to_string(next.way),
                       next_score, p_text(paired.p));
  }
  return fmt::format(
      ", {:.1f} points more than the next, {} ({}; difference {:.1f} to {:.1f} points, {})",
      100 * paired.difference, to_string(next.way), next_score, 100 * paired.interval.low,
      100 * paired.interval.high, p_text(paired.p));
}

std::string against_best(const WayResult& chosen, const WayResult& best) {
  const PairedComparison paired = compare_ways(best, chosen);
  return fmt::format("; {} has {}, which on these rows may be chance ({}), and {} is cheaper: {}",
                     to_string(best.way), percent(best.evaluation.overall.accuracy),
                     p_text(paired.p), to_string(chosen.way), saving(chosen, best));
}

std::vector<const WayResult*> tried(std::span<const WayResult> ways) {
  std::vector<const WayResult*> found;
  for (const WayResult& way : ways) {
    if (!way.error) found.push_back(&way);
  }
  return found;
}

}  // namespace

PairedComparison compare_ways(const WayResult& a, const WayResult& b) {
  const auto right = [](const WayResult& way) {
    std::vector<double> values;
    for (const RowResult& row : way.evaluation.rows) values.push_back(row.right);
    return values;
  };
  return compare_paired(right(a), right(b));
}

std::optional<Recommendation> recommend(std::span<const WayResult> ways) {
  const std::vector<const WayResult*> candidates = tried(ways);
  if (candidates.empty()) return std::nullopt;
  const WayResult* best = candidates.front();
  for (const WayResult* way : candidates) {
    if (is_better(*way, *best)) best = way;
  }
  const WayResult* chosen = best;
  for (const WayResult* way : candidates) {
    const bool as_good = way == best || compare_ways(*best, *way).p > kSignificance;
    if (as_good && is_cheaper(*way, *chosen)) chosen = way;
  }
  const WayResult* next = nullptr;  // the best of the others
  for (const WayResult* way : candidates) {
    if (way != chosen && (next == nullptr || is_better(*way, *next))) next = way;
  }
  std::string reason = score_text(*chosen);
  if (chosen != best) {
    reason += against_best(*chosen, *best);
  } else if (next != nullptr) {
    reason += against_next(*chosen, *next);
  } else {
    reason += "; no other way was tried";
  }
  return Recommendation{chosen->way, reason + "."};
}

}  // namespace lathe::evaluation
