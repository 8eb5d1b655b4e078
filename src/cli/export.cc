// lathe export: a model as one GGUF file or a Hugging Face folder.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/conversion_text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/resolve.h"
#include "host/model_export.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

using Target = formats::ConversionPlan::Target;

struct ExportOptions {
  std::string reference;
  std::string out;
  std::string format = "gguf";
  std::string quantize;
  std::string name;
  bool no_certificate = false;
};

void print(const ExportOptions& options, const host::Exported& made, const nlohmann::json& report,
           const Common& common) {
  if (common.json) {
    nlohmann::json data = {{"out", options.out}, {"format", options.format}, {"types", report}};
    data["certificate"] =
        made.certified ? evaluation::to_json(made.certificates.back()) : nlohmann::json();
    data["llama_cpp_differences"] = made.llama_cpp_differences;
    return print_json(data);
  }
  fmt::print("wrote {}\n{}", options.out, conversion_text(report));
  for (const std::string& difference : made.llama_cpp_differences)
    fmt::print("note: what llama.cpp does otherwise: {}\n", difference);
  if (made.certified)
    fmt::print("what it changes:\n{}", certificate_text(made.certificates.back(), "  "));
}

Status run_export(const ExportOptions& options, const Common& common) {
  LATHE_TRY(const Resolved model, resolve(common, options.reference));
  if (!model.adaptations.empty()) {
    return Error::unsupported("exporting a model with adaptations is not supported")
        .at(options.reference);
  }
  host::ExportOptions wanted;
  wanted.format = options.format == "gguf" ? Target::gguf : Target::folder;
  wanted.name = options.name;
  wanted.conversion.certify = !options.no_certificate;
  if (!options.quantize.empty()) {
    LATHE_TRY(wanted.conversion.type, host::parse_weight_type(options.quantize));
  }
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  host::Exported made;
  {
    ProgressLine line(clock);
    wanted.conversion.progress = [&line](const std::string& what) { line.show(what); };
    LATHE_TRY(made, host::export_model(model.model_path, options.out, wanted, pool));
  }
  print(options, made, host::to_json(made.report, wanted.conversion.type), common);
  return {};
}

}  // namespace

Action add_export(CLI::App& program, const Common& common) {
  auto options = make_options<ExportOptions>();
  CLI::App* command =
      program.add_subcommand("export", "write a model as GGUF or as a Hugging Face folder");
  command->add_option("REF", options->reference, "the model")->required();
  command->add_option("--out", options->out, "file or folder to write")->required();
  command->add_option("--format", options->format, "gguf or safetensors")
      ->check(CLI::IsMember({"gguf", "safetensors"}))
      ->capture_default_str();
  command
      ->add_option("--quantize", options->quantize,
                   "matrices as q8_0, q6_k, q4_k, q4_0, f32, f16 or bf16 (default: as they are)")
      ->check(CLI::IsMember(host::weight_type_names()));
  command->add_flag("--no-certificate", options->no_certificate,
                    "do not measure what a conversion changes");
  command->add_option("--name", options->name, "general.name of a GGUF file");
  command->footer("example: lathe export starter --quantize q4_k --out starter-q4_k.gguf");
  return [options, &common] { return run_export(*options, common); };
}

}  // namespace lathe::cli
