#include "evaluation/report_text.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

namespace lathe::evaluation {

std::string count_text(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string percent_text(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string interval_text(const Interval& share) {
  return fmt::format("{:.0f} to {:.0f} %", 100 * share.low, 100 * share.high);
}

std::string seconds_text(double seconds) {
  if (seconds < 0.001) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.2f} s", seconds);
  const long whole = std::lround(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  const auto size = static_cast<double>(bytes);
  if (size < 1e6) return fmt::format("{:.1f} KB", size / 1e3);
  if (size < 1e9) return fmt::format("{:.1f} MB", size / 1e6);
  return fmt::format("{:.1f} GB", size / 1e9);
}

std::vector<TagValue> tag_values(const Comparison& comparison) {
  std::set<std::pair<std::string, std::string>> found;
  for (const WayResult& way : comparison.ways) {
    for (const auto& [tag, scores] : way.evaluation.by_tag) {
      for (const auto& [value, score] : scores) found.emplace(tag, value);
    }
  }
  std::vector<TagValue> values;
  for (const auto& [tag, value] : found) values.push_back({tag, value});
  return values;
}

const Score* score_of(const WayResult& way, const TagValue& tag) {
  const auto scores = way.evaluation.by_tag.find(tag.tag);
  if (scores == way.evaluation.by_tag.end()) return nullptr;
  const auto score = scores->second.find(tag.value);
  return score == scores->second.end() ? nullptr : &score->second;
}

std::vector<std::string> warnings(const Evaluation& evaluation, std::size_t max_tokens) {
  std::vector<std::string> found;
  if (const std::size_t errors = evaluation.overall.errors; errors > 0) {
    std::string first;
    for (const RowResult& row : evaluation.rows) {
      if (!row.error) continue;
      first = fmt::format("line {}: {}", row.line, row.error->message());
      break;
    }
    found.push_back(fmt::format("{} failed and counted as wrong (first: {})",
                                count_text(errors, "row"), first));
  }
  if (evaluation.cut > 0) {
    found.push_back(fmt::format("{} cut off at {}", count_text(evaluation.cut, "answer"),
                                count_text(max_tokens, "token")));
  }
  if (evaluation.rows_left_out > 0) {
    found.push_back(fmt::format("{} without room for every passage or example",
                                count_text(evaluation.rows_left_out, "prompt")));
  }
  return found;
}

std::vector<std::string> warnings(const Comparison& comparison) {
  std::vector<std::string> found;
  if (comparison.leaked_rows > 0) {
    found.push_back(fmt::format(
        "{} with a prompt that stands among the training rows, too: scores are too good",
        count_text(comparison.leaked_rows, "test row")));
  }
  for (const WayResult& way : comparison.ways) {
    if (way.error) {
      found.push_back(fmt::format("not tried: {}", way.error->message()));
      continue;
    }
    for (const std::string& warning :
         warnings(way.evaluation, comparison.options.evaluate.max_tokens)) {
      found.push_back(fmt::format("{}: {}", to_string(way.way), warning));
    }
  }
  return found;
}

}  // namespace lathe::evaluation
