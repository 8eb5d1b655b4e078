// lathe tune: LoRA, prompt tuning or every weight, on the user's rows.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/resolve.h"
#include "cli/training_progress.h"
#include "os/thread_pool.h"
#include "tasks/loaded_model.h"
#include "training/tune.h"

namespace lathe::cli {
namespace {

struct TuneOptions {
  std::string reference;
  std::string data;
  std::string method = "lora";
  std::string out;
  training::TuneOptions tune;
};

void print_report(const training::TuneReport& r, const TuneOptions& o, bool json) {
  if (json) {
    const nlohmann::json report = {{"method", training::to_string(r.method)},
                                   {"learning_parameters", r.learning_parameters},
                                   {"rows", r.rows},
                                   {"steps", r.training.steps},
                                   {"resumed_from", r.training.resumed_from},
                                   {"loss", r.training.loss},
                                   {"seconds", r.training.seconds},
                                   {"working_bytes", r.training.working_bytes},
                                   {"artefact_bytes", r.artefact_bytes},
                                   {"stopped", r.training.stopped},
                                   {"out", o.out}};
    fmt::print("{}\n", report.dump(2));
    return;
  }
  if (r.training.stopped) {
    fmt::print("stopped after step {}; run the same command again to go on\n", r.training.steps);
    return;
  }
  fmt::print(
      "{}: {} parameters learned from {} rows in {} steps, final loss {:.4f}, {}, {:.1f} KB\n",
      o.out, r.learning_parameters, r.rows, r.training.steps, r.training.loss,
      duration(r.training.seconds), static_cast<double>(r.artefact_bytes) / 1e3);
}

Status run_tune(TuneOptions options, const Common& common) {
  LATHE_TRY(options.tune.method, training::parse_tune_method(options.method).at("--method"));
  LATHE_TRY(const Resolved base, resolve(common, options.reference));
  if (!base.adaptations.empty()) {
    return Error::unsupported("tuning on top of adaptations is not supported")
        .at(options.reference)
        .fix_with("name the model alone");
  }
  LATHE_TRY(const std::vector<training::Row> rows, training::read_dataset(options.data));
  LATHE_TRY(const os::Path model, tasks::model_path(base.model_path));
  LATHE_CHECK(os::make_directories(options.out));
  options.tune.checkpoint = os::Path(options.out) / "checkpoint.safetensors";
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  training::TuneReport report;
  {
    ProgressLine line(clock);
    LATHE_TRY(report, training::tune(model, base.model_name, rows, options.out, options.tune, pool,
                                     clock, training_callbacks(line)));
  }
  print_report(report, options, common.json);
  return {};
}

}  // namespace

Action add_tune(CLI::App& program, const Common& common) {
  auto options = make_options<TuneOptions>();
  options->tune.lora.rank = 8;
  options->tune.lora.alpha = 16;
  options->tune.lora.target_modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                       "gate_proj", "up_proj", "down_proj"};
  training::TuneOptions& tune = options->tune;
  CLI::App* command = program.add_subcommand("tune", "tune a model on a dataset");
  command->add_option("REF", options->reference, "the model")->required();
  command->add_option("DATA", options->data, "JSONL rows")->required();
  command->add_option("--out", options->out, "folder of the artefact")->required();
  command->add_option("--method", options->method, "lora, prompt or full")->capture_default_str();
  command->add_option("--rank", tune.lora.rank, "of LoRA")->capture_default_str();
  command->add_option("--alpha", tune.lora.alpha, "of LoRA")->capture_default_str();
  command->add_option("--targets", tune.lora.target_modules, "modules that LoRA changes")
      ->delimiter(',');
  command->add_option("--virtual-tokens", tune.virtual_tokens, "of a soft prompt")
      ->capture_default_str();
  command->add_option("--epochs", tune.epochs, "times over the data")->capture_default_str();
  command->add_option("--batch", tune.batch_rows, "rows of a step")->capture_default_str();
  command->add_option("--rate", tune.learning_rate,
                      "learning rate (default: the method's usual one)");
  command->add_option("--weight-decay", tune.weight_decay, "of AdamW")->capture_default_str();
  command->add_option("--seed", tune.seed, "of order and start")->capture_default_str();
  command->footer("example: lathe tune starter train.jsonl --method lora --out helpdesk-lora");
  return [options, &common] { return run_tune(*options, common); };
}

}  // namespace lathe::cli
