#include "evaluation/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluation/artefacts.h"
#include "evaluation/report_text.h"

namespace lathe::evaluation {
namespace {

std::vector<training::Row> spread(const std::vector<training::Row>& rows) {
  const std::size_t count = std::min(rows.size(), kReadingRows);
  std::vector<training::Row> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(rows[i * rows.size() / count]);
  return chosen;
}

// The artefacts of retrieval with one reading, made in a folder that is thrown away.
Result<ReadingTrial> try_one(const Reading& reading, const CompareInputs& inputs,
                             const std::vector<training::Row>& rows, CompareOptions options,
                             Parallel& parallel, const os::Clock& clock,
                             const CompareCallbacks& callbacks) {
  LATHE_TRY(const os::TemporaryDirectory scratch, os::TemporaryDirectory::make());
  options.set(reading);
  options.evaluate.latency_rows = 0;
  const Artefacts::Inputs sources{inputs.model, inputs.model_path, inputs.model_name,
                                  inputs.train, inputs.documents,  scratch.path()};
  Artefacts artefacts(sources, options, parallel, clock, callbacks.training);
  WayResult way;
  way.way = Way::retrieval;
  LATHE_CHECK(artefacts.make(way));
  LATHE_TRY(const auto assistant, tasks::Assistant::make(inputs.model, way.adaptations));
  RowCallback on_row;
  if (callbacks.on_row) {
    on_row = [&](std::size_t done, std::size_t total) {
      return callbacks.on_row(Way::retrieval, done, total);
    };
  }
  LATHE_TRY(const Evaluation evaluation,
            evaluate(*assistant, rows, options.evaluate, clock, on_row));
  return ReadingTrial{reading, evaluation.overall.right, evaluation.overall.rows,
                      evaluation.prompt_tokens};
}

}  // namespace

Result<std::vector<ReadingTrial>> try_readings(const CompareInputs& inputs,
                                               const CompareOptions& options, Parallel& parallel,
                                               const os::Clock& clock,
                                               const CompareCallbacks& callbacks) {
  const std::vector<training::Row> rows = spread(inputs.train);
  std::vector<ReadingTrial> trials;
  for (const Reading& reading : kReadings) {
    if (callbacks.on_stage) {
      callbacks.on_stage(fmt::format("how retrieval reads best: {} of about {} words, on {}",
                                     count_text(reading.passages, "passage"), reading.chunk_words,
                                     count_text(rows.size(), "training row")));
    }
    LATHE_TRY(const ReadingTrial trial,
              try_one(reading, inputs, rows, options, parallel, clock, callbacks));
    trials.push_back(trial);
  }
  return trials;
}

const ReadingTrial& best_reading(std::span<const ReadingTrial> trials) {
  LATHE_ASSERT(!trials.empty());
  return *std::max_element(trials.begin(), trials.end(),
                           [](const ReadingTrial& a, const ReadingTrial& b) {
                             if (a.right != b.right) return a.right < b.right;
                             return a.prompt_tokens > b.prompt_tokens;
                           });
}

}  // namespace lathe::evaluation
