#include "evaluation/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "evaluation/artefacts.h"
#include "evaluation/reading.h"
#include "evaluation/recommend.h"

namespace lathe::evaluation {
namespace {

// The ways to try, in the order of kAllWays, each once.
std::vector<Way> chosen_ways(const CompareInputs& inputs, const CompareOptions& options) {
  if (options.ways.empty()) return usual_ways(!inputs.documents.empty());
  std::vector<Way> ways;
  for (const Way way : kAllWays) {
    if (std::find(options.ways.begin(), options.ways.end(), way) != options.ways.end()) {
      ways.push_back(way);
    }
  }
  return ways;
}

Status check_options(const CompareOptions& options, const std::vector<Way>& ways) {
  if (options.shots < 1 || options.shots > prompting::kMaxShots) {
    return Error::bad_input(fmt::format("must be between 1 and {}", prompting::kMaxShots))
        .at("shots");
  }
  if (options.passages < 1 || options.passages > prompting::kMaxPassages) {
    return Error::bad_input(fmt::format("must be between 1 and {}", prompting::kMaxPassages))
        .at("passages");
  }
  if (std::any_of(ways.begin(), ways.end(), uses_training)) {
    LATHE_CHECK(training::check(options.lora).at("lora"));
    LATHE_CHECK(training::check(options.prompt_tuning).at("prompt tuning"));
  }
  return {};
}

Status check_data(const CompareInputs& inputs, const std::vector<Way>& ways) {
  if (inputs.test.empty()) return Error::bad_input("there are no test rows");
  bool conversations = true;
  for (const training::Row& row : inputs.test) {
    LATHE_TRY(const Question question, question_of(row).at("test rows"));
    conversations = conversations && !question.conversation.empty();
  }
  for (const Way way : ways) {
    if (uses_documents(way) && inputs.documents.empty()) {
      return Error::bad_input(fmt::format("{} needs documents", to_string(way)))
          .fix_with("give a folder of documents, or leave that way out");
    }
    if ((uses_training(way) || uses_examples(way)) && inputs.train.empty()) {
      return Error::bad_input(fmt::format("{} needs training rows", to_string(way)));
    }
    if ((uses_documents(way) || uses_examples(way)) && !conversations) {
      return Error::bad_input(fmt::format("{} needs conversations; some test rows are completions",
                                          to_string(way)))
          .fix_with("write the rows as {\"messages\": […]}, or leave that way out");
    }
  }
  return {};
}

Status make_folder(const os::Path& folder) {
  std::error_code code;
  if (std::filesystem::exists(folder, code) && !std::filesystem::is_empty(folder, code)) {
    return Error::already_exists("the folder for artefacts is not empty")
        .at(folder.string())
        .fix_with("choose a new folder");
  }
  return os::make_directories(folder);
}

std::string prompt_text(const training::Row& row) {
  std::string text = row.prompt;
  for (std::size_t i = 0; i + 1 < row.messages.size(); ++i) {
    text += row.messages[i].role + '\0' + row.messages[i].content + '\0';
  }
  return text;
}

std::size_t count_leaked(const CompareInputs& inputs) {
  std::set<std::string> known;
  for (const training::Row& row : inputs.train) known.insert(prompt_text(row));
  return static_cast<std::size_t>(
      std::count_if(inputs.test.begin(), inputs.test.end(),
                    [&](const training::Row& row) { return known.contains(prompt_text(row)); }));
}

Result<Evaluation> evaluate_way(const CompareInputs& inputs, const CompareOptions& options,
                                const WayResult& way, const os::Clock& clock,
                                const CompareCallbacks& callbacks) {
  LATHE_TRY(const auto assistant, tasks::Assistant::make(inputs.model, way.adaptations));
  RowCallback on_row;
  if (callbacks.on_row) {
    on_row = [&](std::size_t done, std::size_t total) {
      return callbacks.on_row(way.way, done, total);
    };
  }
  return evaluate(*assistant, inputs.test, options.evaluate, clock, on_row);
}

// Errors that end the comparison are returned; others become the way's own.
Status try_way(WayResult& way, Artefacts& artefacts, const CompareInputs& inputs,
               const CompareOptions& options, const os::Clock& clock,
               const CompareCallbacks& callbacks) {
  const auto failed = [&](Error error) -> Status {
    if (error.kind == ErrorKind::cancelled) return error;
    const Way tried = way.way;
    way = {};
    way.way = tried;
    way.error = std::move(error).at(to_string(tried));
    return {};
  };
  if (auto made = artefacts.make(way); !made.ok()) return failed(made.error());
  auto evaluation = evaluate_way(inputs, options, way, clock, callbacks);
  if (!evaluation.ok()) return failed(evaluation.error());
  way.evaluation = std::move(evaluation).value();
  return {};
}

// Chooses how retrieval reads. Documents that cannot be read leave the options as they are: the
// ways that use them will say what is wrong.
Status choose_reading(Comparison& result, const CompareInputs& inputs, Parallel& parallel,
                      const os::Clock& clock, const CompareCallbacks& callbacks) {
  CompareOptions& options = result.options;
  const bool used = std::any_of(options.ways.begin(), options.ways.end(), uses_documents);
  if (!options.choose_reading || !used || inputs.train.empty()) return {};
  auto trials = try_readings(inputs, options, parallel, clock, callbacks);
  if (!trials.ok()) {
    if (trials.error().kind == ErrorKind::cancelled) return trials.error();
    return {};
  }
  result.readings = std::move(trials).value();
  options.set(best_reading(result.readings).reading);
  return {};
}

}  // namespace

std::vector<Way> usual_ways(bool has_documents) {
  std::vector<Way> ways;
  for (const Way way : kAllWays) {
    if (uses_documents(way) && !has_documents) continue;
    ways.push_back(way);
  }
  return ways;
}

Result<Comparison> compare(const CompareInputs& inputs, const CompareOptions& options,
                           Parallel& parallel, const os::Clock& clock,
                           const CompareCallbacks& callbacks) {
  const double start = clock.seconds();
  const std::vector<Way> ways = chosen_ways(inputs, options);
  LATHE_CHECK(check_options(options, ways));
  LATHE_CHECK(check_data(inputs, ways));
  LATHE_CHECK(make_folder(inputs.folder));
  Comparison result;
  result.model = inputs.model_name;
  result.training_rows = inputs.train.size();
  result.test_rows = inputs.test.size();
  result.leaked_rows = count_leaked(inputs);
  result.options = options;
  result.options.ways = ways;
  const Artefacts::Inputs sources{inputs.model, inputs.model_path, inputs.model_name,
                                  inputs.train, inputs.documents,  inputs.folder};
  LATHE_CHECK(choose_reading(result, inputs, parallel, clock, callbacks));
  Artefacts artefacts(sources, result.options, parallel, clock, callbacks.training);
  for (const Way way : ways) {
    if (callbacks.on_stage)
      callbacks.on_stage(fmt::format("{}: {}", to_string(way), describe(way)));
    WayResult& tried = result.ways.emplace_back();
    tried.way = way;
    LATHE_CHECK(try_way(tried, artefacts, inputs, options, clock, callbacks));
  }
  result.documents = artefacts.documents();
  result.passages = artefacts.chunks();
  result.recommendation = recommend(result.ways);
  result.seconds = clock.seconds() - start;
  return result;
}

}  // namespace lathe::evaluation
