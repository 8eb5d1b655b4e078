#include "cli/evaluation_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluation/report_text.h"

namespace lathe::cli {
namespace {

using evaluation::Comparison;
using evaluation::Evaluation;
using evaluation::Score;
using evaluation::TagValue;
using evaluation::WayResult;

// More tag values than this are left to the reports.
constexpr std::size_t kMaxTagColumns = 4;

// Rows of cells, the first the header: the first column left-aligned, the others right-aligned.
class ScoreTable {
 public:
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string space(widths[i] - width(row[i]), ' ');
        out += i == 0 ? row[i] + (row.size() > 1 ? space : "") : "  " + space + row[i];
      }
      out += '\n';
    }
    return out;
  }

 private:
  // Characters, for texts of one column a character.
  static std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }

  std::vector<std::vector<std::string>> rows_;
};

std::string tag_cell(const WayResult& way, const TagValue& tag) {
  const Score* score = evaluation::score_of(way, tag);
  return score == nullptr ? "-" : evaluation::percent_text(score->accuracy);
}

std::vector<std::string> way_cells(const WayResult& way, const std::vector<TagValue>& tags) {
  const Evaluation& e = way.evaluation;
  std::vector<std::string> cells{to_string(way.way), evaluation::percent_text(e.overall.accuracy),
                                 evaluation::interval_text(e.overall.interval)};
  for (const TagValue& tag : tags) cells.push_back(tag_cell(way, tag));
  cells.push_back(fmt::format("{:.0f}", e.prompt_tokens));
  cells.push_back(fmt::format("{:.1f}", e.answer_tokens));
  const bool timed = e.latency.rows > 0;
  cells.push_back(timed ? evaluation::seconds_text(e.latency.median) : "-");
  cells.push_back(timed ? evaluation::seconds_text(e.latency.p90) : "-");
  cells.push_back(way.training ? evaluation::seconds_text(way.training->seconds) : "-");
  cells.push_back(way.training ? evaluation::bytes_text(way.training->peak_bytes) : "-");
  cells.push_back(way.adaptations.empty() ? "-" : evaluation::bytes_text(way.artefact_bytes));
  return cells;
}

std::string warning_lines(const std::vector<std::string>& warnings) {
  std::string text;
  for (const std::string& warning : warnings) text += "note: " + warning + "\n";
  return text;
}

}  // namespace

std::string evaluation_text(const Evaluation& evaluation, std::size_t max_tokens) {
  ScoreTable table;
  table.add({"rows", "count", "right", "95 % interval", "word F1"});
  const auto add = [&](const std::string& name, const Score& score) {
    table.add({name, fmt::format("{}", score.rows), evaluation::percent_text(score.accuracy),
               evaluation::interval_text(score.interval), fmt::format("{:.3f}", score.f1)});
  };
  add("all", evaluation.overall);
  for (const auto& [tag, scores] : evaluation.by_tag) {
    for (const auto& [value, score] : scores) add(tag + ": " + value, score);
  }
  std::string text = table.text() + "\n";
  text += fmt::format("{:.0f} prompt tokens and {:.1f} answer tokens on average, {} in all\n",
                      evaluation.prompt_tokens, evaluation.answer_tokens,
                      evaluation::seconds_text(evaluation.seconds));
  if (const auto& latency = evaluation.latency; latency.rows > 0) {
    text += fmt::format("latency of {} rows run alone: median {}, 90 % within {}\n", latency.rows,
                        evaluation::seconds_text(latency.median),
                        evaluation::seconds_text(latency.p90));
  }
  return text + warning_lines(evaluation::warnings(evaluation, max_tokens));
}

std::string comparison_text(const Comparison& comparison) {
  std::vector<TagValue> tags = evaluation::tag_values(comparison);
  std::string note;
  if (tags.size() > kMaxTagColumns) {
    note = fmt::format("note: scores by tag ({} values) are in the reports of --json and --html\n",
                       tags.size());
    tags.clear();
  }
  ScoreTable table;
  std::vector<std::string> header{"way", "right", "95 % interval"};
  for (const TagValue& tag : tags) header.push_back(tag.value);
  for (const char* name :
       {"prompt tok", "answer tok", "latency", "p90", "training", "memory", "artefacts"}) {
    header.emplace_back(name);
  }
  table.add(std::move(header));
  for (const WayResult& way : comparison.ways) {
    if (way.error) {
      table.add({to_string(way.way), "failed"});
    } else {
      table.add(way_cells(way, tags));
    }
  }
  std::string text = table.text() + "\n" + note + warning_lines(evaluation::warnings(comparison));
  if (comparison.recommendation) {
    text += fmt::format("recommended: {}\n{}\n", to_string(comparison.recommendation->way),
                        comparison.recommendation->reason);
  }
  return text;
}

}  // namespace lathe::cli
