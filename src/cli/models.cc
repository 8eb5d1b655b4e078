// lathe models: what the local store has, one model in full, verifying and removing one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/card_text.h"
#include "cli/commands.h"
#include "cli/models_recommend.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "host/model_card.h"
#include "host/model_import.h"
#include "host/packed_weights.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

Status list_models(const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto models, store.catalogue.models());
  if (common.json) {
    auto data = nlohmann::json::array();
    for (const store::ModelRecord& model : models) data.push_back(to_json(model));
    print_json(data);
    return {};
  }
  Table table({"NAME", "KIND", "FAMILY", "PARAMETERS", "TYPE", "SIZE", "CONTEXT", "IMPORTED"});
  for (const store::ModelRecord& model : models) {
    table.add({model.name, model.kind, model.family, human_count(model.parameters),
               model.quantization, human_bytes(model.size_bytes),
               std::to_string(model.context_length), human_time(model.created)});
  }
  table.print("there are no models yet; lathe import PATH adds one");
  return {};
}

Status show_models(const std::string& name, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const host::ModelCard card, host::model_card(store, name));
  if (common.json) {
    print_json(host::to_json(card));
  } else {
    fmt::print("{}", card_text(card));
  }
  return {};
}

Status remove_models(const std::string& name, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_CHECK(host::remove_model(store, name));
  if (common.json) {
    print_json({{"removed", name}});
  } else {
    fmt::print("removed {}\n", name);
  }
  return {};
}

Status verify_models(const std::string& name, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  os::ThreadPool pool(common.thread_plan());
  LATHE_TRY(const bool packed, host::verify_model(store, name, pool));
  if (common.json) {
    print_json({{"verified", name}, {"packed", packed}});
  } else {
    fmt::print("{}: the weights are as they were imported{}\n", name,
               packed ? ", the packed ones as they were written" : "; there are no packed ones");
  }
  return {};
}

}  // namespace

Action add_models(CLI::App& program, const Common& common) {
  auto name = make_options<std::string>();
  CLI::App* command = program.add_subcommand("models", "the models of the local store");
  command->require_subcommand(0, 1);
  CLI::App* show_command = command->add_subcommand("show", "one model's card");
  show_command->add_option("NAME", *name, "the model")->required();
  CLI::App* remove_command = command->add_subcommand("rm", "remove a model and its files");
  remove_command->add_option("NAME", *name, "the model")->required();
  CLI::App* verify_command =
      command->add_subcommand("verify", "read all of a model and compare it with its hashes");
  verify_command->add_option("NAME", *name, "the model")->required();
  const Subcommand recommend = add_recommend(*command, common);
  command->footer("examples: lathe models\n          lathe models show starter");
  return [=, &common]() -> Status {
    if (recommend.command->parsed()) return recommend.action();
    if (show_command->parsed()) return show_models(*name, common);
    if (remove_command->parsed()) return remove_models(*name, common);
    if (verify_command->parsed()) return verify_models(*name, common);
    return list_models(common);
  };
}

}  // namespace lathe::cli
