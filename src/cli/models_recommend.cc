#include "cli/models_recommend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "cli/resolve.h"
#include "host/conversion.h"
#include "host/machine_speed.h"
#include "host/model_choice.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string memory;
  std::string quantization = "q8_0";
  std::size_t count = 10;
  host::ChoiceWishes wishes;
};

// "16GB", "16G", "800 MB", "8GiB", or plain bytes.
Result<std::uint64_t> parse_bytes(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  std::erase(unit, ' ');
  for (char& c : unit) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  constexpr std::pair<const char*, double> kUnits[] = {{"", 1},
                                                       {"B", 1},
                                                       {"K", 1e3},
                                                       {"KB", 1e3},
                                                       {"M", 1e6},
                                                       {"MB", 1e6},
                                                       {"G", 1e9},
                                                       {"GB", 1e9},
                                                       {"T", 1e12},
                                                       {"TB", 1e12},
                                                       {"KIB", 1024.0},
                                                       {"MIB", 1048576.0},
                                                       {"GIB", 1.073741824e9}};
  for (const auto& [name, factor] : kUnits) {
    const double bytes = number * factor;
    if (code == std::errc() && unit == name && bytes >= 1 && bytes < 1e18)
      return static_cast<std::uint64_t>(bytes);
  }
  return Error::bad_input(fmt::format("'{}' is no amount of memory", text))
      .at("--memory")
      .fix_with("give it as 8GB or 16GiB");
}

json recommended_json(const host::Benchmark& benchmark) {
  return {{"name", benchmark.name}, {"value", benchmark.value}, {"source", benchmark.source}};
}

json recommended_json(const store::ComparisonRecord& own) {
  return {{"data", own.data},      {"data_hash", own.data_hash}, {"rows", own.rows},
          {"way", own.way},        {"accuracy", own.accuracy},   {"interval", {own.low, own.high}},
          {"created", own.created}};
}

json recommended_json(const host::Candidate& candidate) {
  const host::CatalogueModel& model = candidate.model;
  json out = {{"repository", model.repository},
              {"family", model.family},
              {"kind", model.kind},
              {"license", model.licence},
              {"gated", model.gated},
              {"parameters", model.sizes.parameters},
              {"context_length", model.context},
              {"languages", model.languages},
              {"tasks", model.tasks},
              {"benchmarks", json::array()},
              {"comparisons", json::array()},
              {"forecast",
               {{"quantization", tensor::to_string(candidate.quantization)},
                {"context", candidate.context},
                {"weight_bytes", candidate.weights},
                {"cache_bytes", candidate.cache},
                {"prompt_tokens_per_second", candidate.prompt_tokens_per_second},
                {"decode_tokens_per_second", candidate.decode_tokens_per_second > 0
                                                 ? json(candidate.decode_tokens_per_second)
                                                 : json()}}}};
  for (const host::Benchmark& each : model.benchmarks)
    out["benchmarks"].push_back(recommended_json(each));
  for (const auto& each : candidate.own) out["comparisons"].push_back(recommended_json(each));
  return out;
}

std::string speed_text(double tokens) {
  if (tokens <= 0) return "-";
  return tokens < 10 ? fmt::format("{:.1f}", tokens) : fmt::format("{:.0f}", tokens);
}

std::string quality_text(const host::Candidate& candidate) {
  if (!candidate.quality) return "-";
  return fmt::format("{} {:.1f}", candidate.quality->name, candidate.quality->value);
}

std::string own_text(const host::Candidate& candidate) {
  if (candidate.own.empty()) return "-";
  const store::ComparisonRecord& own = candidate.own.front();
  return fmt::format("{:.1f} % ({})", 100 * own.accuracy, own.data);
}

void print_table(const host::Choice& choice, std::size_t count) {
  Table table({"MODEL", "PARAMETERS", "TYPE", "MEMORY", "TOKENS/S", "QUALITY", "LICENCE", "YOURS"});
  for (std::size_t i = 0; i < std::min(count, choice.candidates.size()); ++i) {
    const host::Candidate& each = choice.candidates[i];
    const double speed = each.decode_tokens_per_second > 0 ? each.decode_tokens_per_second
                                                           : each.prompt_tokens_per_second;
    table.add({each.model.repository, human_count(each.model.sizes.parameters),
               std::string(tensor::to_string(each.quantization)),
               human_bytes(each.weights + each.cache), speed_text(speed), quality_text(each),
               each.model.licence + (each.model.gated ? " (gated)" : ""), own_text(each)});
  }
  table.print("no model of the catalogue fits; allow more memory or another licence");
}

void print_choice(const host::Choice& choice, const host::ModelCatalogue& catalogue,
                  const host::MachineSpeed& machine, std::size_t count) {
  print_table(choice, count);
  if (!choice.candidates.empty()) {
    const host::Candidate& first = choice.candidates.front();
    fmt::print("\n{}:\n", first.model.repository);
    for (const std::string& reason : choice.reasons) fmt::print("  - {}\n", reason);
    fmt::print("  lathe pull {}{}\n", first.model.repository,
               tensor::is_block_type(first.quantization)
                   ? fmt::format(" --quantize {}", tensor::to_string(first.quantization))
                   : "");
  }
  if (choice.candidates.size() > count)
    fmt::print("\n{} more fit (--count)", choice.candidates.size() - count);
  fmt::print("\nleft out: {}\n", choice.left_out.empty()
                                     ? "none"
                                     : fmt::format("{}", fmt::join(choice.left_out, "; ")));
  fmt::print(
      "memory and speed are forecasts, from sizes and what this machine was measured to do ({:.1f} "
      "GB/s, {:.0f} GFLOP/s);\nquality is what was published, and settings differ between sources; "
      "facts as of {}. `lathe compare` measures on your rows.\n",
      machine.bytes_per_second / 1e9, machine.operations_per_second / 1e9, catalogue.as_of);
}

json choice_json(const host::Choice& choice, const host::ModelCatalogue& catalogue,
                 const host::MachineSpeed& machine, const Options& options) {
  json models = json::array();
  for (std::size_t i = 0; i < std::min(options.count, choice.candidates.size()); ++i)
    models.push_back(recommended_json(choice.candidates[i]));
  return {{"as_of", catalogue.as_of},
          {"memory_bytes", options.wishes.memory},
          {"machine",
           {{"bytes_per_second", machine.bytes_per_second},
            {"operations_per_second", machine.operations_per_second}}},
          {"models", models},
          {"fitting", choice.candidates.size()},
          {"reasons", choice.reasons},
          {"left_out", choice.left_out}};
}

Status run(Options options, const Common& common) {
  if (options.memory.empty()) {
    LATHE_TRY(options.wishes.memory, host::available_memory());
  } else {
    LATHE_TRY(options.wishes.memory, parse_bytes(options.memory));
  }
  LATHE_TRY(options.wishes.quantization, host::parse_weight_type(options.quantization));
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const host::ModelCatalogue catalogue, host::read_catalogue());
  LATHE_TRY(const auto comparisons, store.catalogue.comparisons());
  os::ThreadPool pool(common.thread_plan());
  LATHE_TRY(const host::MachineSpeed machine,
            host::machine_speed(store.home.folder() / "machine.json", pool, os::SystemClock()));
  LATHE_TRY(const host::Choice choice,
            host::choose_models(catalogue, options.wishes, machine, comparisons));
  if (common.json) {
    print_json(choice_json(choice, catalogue, machine, options));
  } else {
    print_choice(choice, catalogue, machine, options.count);
  }
  return {};
}

}  // namespace

Subcommand add_recommend(CLI::App& models, const Common& common) {
  auto options = make_options<Options>();
  host::ChoiceWishes& wishes = options->wishes;
  CLI::App* command =
      models.add_subcommand("recommend", "which pre-trained model to take for a job, and why");
  command->add_option("--task", wishes.task, fmt::format("{}", fmt::join(host::task_names(), ", ")))
      ->required();
  command->add_option("--language", wishes.language, "that it must know, as in `de` (ISO 639-1)");
  command->add_option("--memory", options->memory,
                      "that weights and cache may take, as in 8GB (default: what is available)");
  command
      ->add_option("--license", wishes.licences,
                   "those that are allowed, as in apache-2.0,mit; or `permissive`")
      ->delimiter(',');
  command->add_option("--context", wishes.context, "tokens of a conversation")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--quantize", options->quantization, "the type that decoders are held in")
      ->check(CLI::IsMember(host::weight_type_names()))
      ->capture_default_str();
  command->add_option("--count", options->count, "models to show")->capture_default_str();
  command->footer(
      "example: lathe models recommend --task summarize --language de --memory 8GB --license "
      "permissive");
  return {command, [options, &common] { return run(*options, common); }};
}

}  // namespace lathe::cli
