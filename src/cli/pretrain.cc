// lathe pretrain: a model from nothing.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/training_progress.h"
#include "os/thread_pool.h"
#include "training/pretrain.h"

namespace lathe::cli {
namespace {

struct PretrainOptions {
  std::string config;
  std::vector<std::string> data;
  std::string out;
  std::string from;
};

void print_report(const training::PretrainReport& r, const os::Path& out, bool json) {
  if (json) {
    const nlohmann::json report = {{"parameters", r.parameters},
                                   {"rows", r.rows},
                                   {"tokens", r.training.tokens},
                                   {"steps", r.training.steps},
                                   {"resumed_from", r.training.resumed_from},
                                   {"loss", r.training.loss},
                                   {"seconds", r.training.seconds},
                                   {"stopped", r.training.stopped},
                                   {"model", r.training.stopped ? "" : out.string()}};
    fmt::print("{}\n", report.dump(2));
    return;
  }
  if (r.training.stopped) {
    fmt::print("stopped after step {}; run the same command again to go on\n", r.training.steps);
    return;
  }
  fmt::print("{}: {:.2f} million parameters, {:.2f} million tokens, final loss {:.4f}, {}\n",
             out.string(), static_cast<double>(r.parameters) * 1e-6,
             static_cast<double>(r.training.tokens) * 1e-6, r.training.loss,
             duration(r.training.seconds));
}

Status run_pretrain(const PretrainOptions& options, const Common& common) {
  LATHE_TRY(const training::PretrainConfig config, training::read_pretrain_config(options.config));
  const training::PretrainPaths paths = {
      {options.data.begin(), options.data.end()}, options.out, options.from};
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  training::PretrainReport report;
  {
    ProgressLine line(clock);
    training::PretrainCallbacks callbacks;
    callbacks.on_stage = [&](const std::string& what) { line.say(what); };
    callbacks.trainer = training_callbacks(line);
    LATHE_TRY(report, training::pretrain(config, paths, pool, clock, callbacks));
  }
  print_report(report, options.out, common.json);
  return {};
}

}  // namespace

Action add_pretrain(CLI::App& program, const Common& common) {
  auto options = make_options<PretrainOptions>();
  CLI::App* command = program.add_subcommand("pretrain", "train a model from nothing");
  command->add_option("CONFIG", options->config, "the recipe (JSON)")->required();
  command->add_option("--data", options->data, "JSONL files")->required();
  command->add_option("--out", options->out, "folder of the new model")->required();
  command->add_option("--from", options->from, "a model to go on from, instead of from nothing");
  command->footer(
      "example: lathe pretrain starter/pretrain.json --data corpus/*.jsonl --out starter-model");
  return [options, &common] { return run_pretrain(*options, common); };
}

}  // namespace lathe::cli
