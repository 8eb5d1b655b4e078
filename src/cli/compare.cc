// lathe compare: which way of adapting a model pays on the user's own rows.
#include <fmt/format.h>

#include <optional>

#include "cli/commands.h"
#include "cli/evaluation_table.h"
#include "cli/resolve.h"
#include "cli/training_progress.h"
#include "evaluation/compare.h"
#include "evaluation/html_report.h"
#include "evaluation/reading.h"
#include "evaluation/report_json.h"
#include "evaluation/report_text.h"
#include "host/comparison_log.h"
#include "host/packed_weights.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

struct CompareOptions {
  std::string reference;
  std::string train;
  std::string test;
  std::string documents;
  std::string out;
  std::string html;
  std::vector<std::string> ways;
  double epochs = 0;
  CLI::Option* passages = nullptr;  // whether they were given
  CLI::Option* chunk_words = nullptr;
  evaluation::CompareOptions compare;
};

Result<evaluation::CompareInputs> read_inputs(const CompareOptions& options, const Common& common,
                                              Parallel& parallel) {
  LATHE_TRY(const Resolved resolved, resolve(common, options.reference));
  if (!resolved.adaptations.empty()) {
    return Error::bad_input("compare adapts a model itself, so it takes none that is adapted")
        .at(resolved.reference)
        .fix_with("name the model alone: " + resolved.model_name);
  }
  evaluation::CompareInputs inputs;
  LATHE_TRY(inputs.model_path, tasks::model_path(resolved.model_path));
  inputs.model_name = resolved.model_name;
  LATHE_TRY(inputs.train, training::read_dataset(options.train));
  LATHE_TRY(inputs.test, training::read_dataset(options.test));
  inputs.documents = options.documents;
  inputs.folder = options.out;
  LATHE_TRY(inputs.model, host::load_model(resolved, parallel));
  return inputs;
}

evaluation::CompareCallbacks callbacks_for(ProgressLine& line) {
  evaluation::CompareCallbacks callbacks;
  callbacks.training = training_callbacks(line);
  callbacks.on_stage = [&line](const std::string& what) { line.say(what); };
  callbacks.on_row = [&line](evaluation::Way way, std::size_t done, std::size_t total) {
    line.show(fmt::format("{}: {} of {} rows answered", to_string(way), done, total),
              done == total);
    return !interrupted();
  };
  return callbacks;
}

void print_reading(const evaluation::Comparison& result) {
  if (result.readings.empty()) return;
  const evaluation::ReadingTrial& best = evaluation::best_reading(result.readings);
  fmt::print("retrieval reads {} of about {} words: the best of {} settings on {} training rows\n",
             evaluation::count_text(best.reading.passages, "passage"), best.reading.chunk_words,
             result.readings.size(), best.rows);
}

void print_artefacts(const evaluation::Comparison& result, const CompareOptions& options) {
  if (!result.recommendation) return;
  for (const evaluation::WayResult& way : result.ways) {
    if (way.way != result.recommendation->way || way.adaptations.empty()) continue;
    if (options.out.empty()) {
      fmt::print("its artefacts were not kept; --out DIR keeps them\n");
      return;
    }
    for (const tasks::AdaptationSource& source : way.adaptations) {
      fmt::print("artefact: {}\n", source.path.string());
    }
  }
}

// The exit code tells of a way that could not be tried, after all results were shown.
Status failure_of(const evaluation::Comparison& result) {
  for (const evaluation::WayResult& way : result.ways) {
    if (way.error) return *way.error;
  }
  return {};
}

Status run_compare(CompareOptions options, const Common& common) {
  evaluation::CompareOptions& compare = options.compare;
  for (const std::string& name : options.ways) {
    LATHE_TRY(const evaluation::Way way, evaluation::parse_way(name).at("--ways"));
    compare.ways.push_back(way);
  }
  compare.choose_reading = options.passages->count() + options.chunk_words->count() == 0;
  if (options.epochs != 0) compare.lora.epochs = compare.prompt_tuning.epochs = options.epochs;
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  LATHE_TRY(evaluation::CompareInputs inputs, read_inputs(options, common, pool));
  std::optional<os::TemporaryDirectory> scratch;
  if (options.out.empty()) {
    LATHE_TRY(os::TemporaryDirectory made, os::TemporaryDirectory::make());
    inputs.folder = scratch.emplace(std::move(made)).path() / "artefacts";
  }
  evaluation::Comparison result;
  {
    ProgressLine line(clock);
    LATHE_TRY(result, evaluation::compare(inputs, compare, pool, clock, callbacks_for(line)));
  }
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_CHECK(host::keep_comparison(store, result, options.test));
  if (!options.html.empty()) {
    LATHE_CHECK(os::write_file_atomically(options.html, evaluation::html_report(result)));
  }
  if (!options.out.empty()) {
    const os::Path file = os::Path(options.out) / "comparison.json";
    LATHE_CHECK(os::write_file_atomically(file, evaluation::to_json(result)));
  }
  if (common.json) {
    fmt::print("{}\n", evaluation::to_json(result));
  } else {
    fmt::print("{} on {}, {}\n\n{}", result.model,
               evaluation::count_text(result.test_rows, "test row"), duration(result.seconds),
               comparison_text(result));
    print_reading(result);
    print_artefacts(result, options);
    if (!options.html.empty()) fmt::print("report: {}\n", options.html);
  }
  return failure_of(result);
}

void add_settings(CLI::App& command, CompareOptions& options) {
  evaluation::CompareOptions& compare = options.compare;
  command
      .add_option("--ways", options.ways,
                  "zero-shot, few-shot, retrieval, prompt-tuning, lora, lora+retrieval, "
                  "lora-on-retrieval (default: all that the data allow)")
      ->delimiter(',');
  command.add_option("--shots", compare.shots, "examples of few-shot")->capture_default_str();
  options.passages = command.add_option("--passages", compare.passages,
                                        "of retrieval, in a prompt (default: chosen on training "
                                        "rows, together with --chunk-words)");
  options.chunk_words = command.add_option("--chunk-words", compare.chunking.words,
                                           "of a passage, about (with --passages alone: 60)");
  command.add_option("--epochs", options.epochs, "times over the rows (default: the way's usual)");
  command.add_option("--max-tokens", compare.evaluate.max_tokens, "of an answer, at most")
      ->capture_default_str();
  command.add_flag("--ignore-case", compare.evaluate.match.ignore_case,
                   "letter case does not matter");
}

}  // namespace

Action add_compare(CLI::App& program, const Common& common) {
  auto options = make_options<CompareOptions>();
  CLI::App* command =
      program.add_subcommand("compare", "try ways of adapting a model and recommend one");
  command->add_option("REF", options->reference, "the model")->required();
  command->add_option("TRAIN", options->train, "JSONL rows to learn from")->required();
  command->add_option("--test", options->test, "JSONL rows to score on, held out of TRAIN")
      ->required();
  command->add_option("--docs", options->documents, "folder of documents, for retrieval");
  command->add_option("--out", options->out,
                      "new folder that keeps what each way made, and comparison.json");
  command->add_option("--html", options->html, "write the report with charts to this file");
  add_settings(*command, *options);
  command->footer(
      "example: lathe compare starter train.jsonl --test test.jsonl --docs handbook --html "
      "report.html");
  return [options, &common] { return run_compare(*options, common); };
}

}  // namespace lathe::cli
