// lathe import: a model from a file or folder into the local store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
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

struct Options {
  std::string path;
  std::string name;
};

Result<std::string> name_for(const std::string& path, const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  std::string name = host::default_model_name(path);
  if (store::check_model_name(name).ok()) return name;
  return Error::bad_input(fmt::format("'{}' cannot be a model's name", name))
      .at(path)
      .fix_with("choose one with --name");
}

}  // namespace

Status import_path(const std::string& path, const std::string& wanted, const Common& common) {
  LATHE_TRY(const std::string name, name_for(path, wanted));
  LATHE_TRY(LocalStore store, open_store(common));
  os::ThreadPool pool(common.threads);
  const os::SystemClock clock;
  store::ModelRecord model;
  {
    ProgressLine line(clock);
    const auto copied = [&](std::uint64_t done, std::uint64_t all) {
      line.show(fmt::format("copied {} of {}", human_bytes(static_cast<std::int64_t>(done)),
                            human_bytes(static_cast<std::int64_t>(all))));
    };
    LATHE_TRY(model, host::import_model(store, path, name, pool, copied));
  }
  if (common.json) {
    print_json(to_json(model));
  } else {
    fmt::print("{}: {} parameters, {}, {}, context {}\n", model.name, human_count(model.parameters),
               model.quantization, human_bytes(model.size_bytes), model.context_length);
  }
  return {};
}

Action add_import(CLI::App& program, const Common& common) {
  auto options = make_options<Options>();
  CLI::App* command =
      program.add_subcommand("import", "copy a model from a file or folder into the local store");
  command->add_option("PATH", options->path, "a .gguf file, or a Hugging Face folder")->required();
  command->add_option("--name", options->name,
                      "what it is called, `name` or `org/name` (default: after the path)");
  command->footer("example: lathe import starter/lathe-starter.gguf --name starter");
  return [options, &common] { return import_path(options->path, options->name, common); };
}

}  // namespace lathe::cli
