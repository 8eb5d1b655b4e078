// lathe import: a model from a file or folder into the local store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/byte_rate.h"
#include "cli/commands.h"
#include "cli/conversion_text.h"
#include "cli/import.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "host/model_import.h"
#include "os/thread_pool.h"
#include "store/names.h"

namespace lathe::cli {
namespace {

Result<std::string> name_for(const std::string& path, const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  std::string name = host::default_model_name(path);
  if (store::check_model_name(name).ok()) return name;
  return Error::bad_input(fmt::format("'{}' cannot be a model's name", name))
      .at(path)
      .fix_with("choose one with --name");
}

Status print(const store::ModelRecord& model) {
  fmt::print("{}: {} parameters, {}, {}, context {}\n", model.name, human_count(model.parameters),
             model.quantization, human_bytes(model.size_bytes), model.context_length);
  const auto details = nlohmann::json::parse(model.details, nullptr, false);
  if (!details.contains("conversion")) return {};
  fmt::print("{}", conversion_text(details["conversion"]));
  if (!details.contains("certificates")) return {};
  LATHE_TRY(const auto all, evaluation::certificates_from(details["certificates"].dump()));
  fmt::print("what it changes:\n{}", certificate_text(all.back(), "  "));
  return {};
}

}  // namespace

Status import_path(const PathToImport& wanted, const Common& common) {
  LATHE_TRY(const std::string name, name_for(wanted.path, wanted.name));
  host::ConversionOptions conversion;
  conversion.certify = !wanted.no_certificate;
  if (!wanted.quantize.empty()) {
    LATHE_TRY(conversion.type, host::parse_weight_type(wanted.quantize));
  }
  LATHE_TRY(LocalStore store, open_store(common));
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  store::ModelRecord model;
  {
    ProgressLine line(clock);
    ByteRate rate(clock);
    const auto copied = [&](std::uint64_t done, std::uint64_t all) {
      line.show(fmt::format("copied {} of {}", human_bytes(done), human_bytes(all)));
    };
    conversion.progress = [&line](const std::string& what) { line.show(what); };
    conversion.packing = [&](std::uint64_t done, std::uint64_t all) {
      line.show("packing " + rate.text(done, all));
    };
    LATHE_TRY(model, host::import_model(store, wanted.path, name, pool, copied, conversion));
  }
  if (!common.json) return print(model);
  print_json(to_json(model));
  return {};
}

Action add_import(CLI::App& program, const Common& common) {
  auto options = make_options<PathToImport>();
  CLI::App* command =
      program.add_subcommand("import", "copy a model from a file or folder into the local store");
  command->add_option("PATH", options->path, "a .gguf file, or a Hugging Face folder")->required();
  command->add_option("--name", options->name,
                      "what it is called, `name` or `org/name` (default: after the path)");
  command
      ->add_option("--quantize", options->quantize,
                   "store matrices as q8_0, q6_k, q4_k, q4_0, f32, f16 or bf16 (default: as they "
                   "are)")
      ->check(CLI::IsMember(host::weight_type_names()));
  command->add_flag("--no-certificate", options->no_certificate,
                    "do not measure what a conversion changes");
  command->footer(
      "examples: lathe import starter/lathe-starter.gguf --name starter\n"
      "          lathe import ./Qwen2.5-0.5B --quantize q8_0");
  return [options, &common] { return import_path(*options, common); };
}

}  // namespace lathe::cli
