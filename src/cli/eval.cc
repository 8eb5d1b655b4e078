// lathe eval: how often a reference answers rows of a dataset right.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/evaluation_table.h"
#include "cli/progress.h"
#include "cli/resolve.h"
#include "evaluation/evaluate.h"
#include "evaluation/report_json.h"
#include "host/packed_weights.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

struct EvalOptions {
  std::string reference;
  std::string data;
  std::size_t limit = 0;
  std::size_t wrong = 0;
  evaluation::EvaluateOptions evaluate;
};

void print_wrong(const evaluation::Evaluation& result, std::size_t count) {
  for (const evaluation::RowResult& row : result.rows) {
    if (row.right || count == 0) continue;
    --count;
    fmt::print("\nline {}: {}\n  expected: {}\n  {}: {}\n", row.line, row.question, row.expected,
               row.error ? "error" : "answer", row.error ? row.error->message() : row.answer);
  }
}

Status run_eval(const EvalOptions& options, const Common& common) {
  LATHE_TRY(const Resolved resolved, resolve(common, options.reference));
  LATHE_TRY(std::vector<training::Row> rows, training::read_dataset(options.data));
  const std::size_t all = rows.size();
  if (options.limit > 0 && options.limit < all) rows.resize(options.limit);
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  evaluation::Evaluation result;
  {
    ProgressLine line(clock);
    LATHE_TRY(auto model, host::load_model(resolved, pool));
    LATHE_TRY(const auto assistant, tasks::Assistant::make(model, resolved.adaptations));
    const auto on_row = [&](std::size_t done, std::size_t total) {
      line.show(fmt::format("{} of {} rows", done, total), done == total);
      return true;
    };
    LATHE_TRY(
        result,
        evaluation::evaluate(*assistant, rows, options.evaluate, clock, on_row).at(options.data));
  }
  if (common.json) {
    fmt::print("{}\n", evaluation::to_json(result));
    return {};
  }
  fmt::print("{} on {}{}\n\n{}", resolved.reference, options.data,
             rows.size() < all ? fmt::format(" (the first {} of {} rows)", rows.size(), all) : "",
             evaluation_text(result, options.evaluate.max_tokens));
  print_wrong(result, options.wrong);
  return {};
}

}  // namespace

Action add_eval(CLI::App& program, const Common& common) {
  auto options = make_options<EvalOptions>();
  CLI::App* command =
      program.add_subcommand("eval", "score a model or deployment on rows of a dataset");
  command->add_option("REF", options->reference, "what answers: model, model+adaptation, …")
      ->required();
  command->add_option("DATA", options->data, "JSONL rows; the last message is the right answer")
      ->required();
  command->add_option("--max-tokens", options->evaluate.max_tokens, "of an answer, at most")
      ->capture_default_str();
  command->add_option("--limit", options->limit, "only the first so many rows");
  command
      ->add_option("--latency-rows", options->evaluate.latency_rows,
                   "rows that run alone, to be timed")
      ->capture_default_str();
  command->add_flag("--ignore-case", options->evaluate.match.ignore_case,
                    "letter case does not matter");
  command->add_option("--wrong", options->wrong, "show so many wrong answers");
  command->footer("example: lathe eval starter+helpdesk-lora test.jsonl --wrong 5");
  return [options, &common] { return run_eval(*options, common); };
}

}  // namespace lathe::cli
