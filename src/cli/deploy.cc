// lathe deploy, rollback and undeploy: which version answers for a deployment's name.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"

namespace lathe::cli {
namespace {

struct DeployOptions {
  std::string name;
  std::string reference;
  std::optional<std::int64_t> version;
};

void tell(const store::VersionRecord& version, bool json) {
  if (json) {
    print_json(to_json(version, true));
  } else {
    fmt::print("{}: version {} answers, with {}\n", version.deployment, version.version,
               version.reference);
  }
}

Status deploy(const DeployOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  // First as the server will read it: everything is in the store, and of a kind that answers.
  LATHE_CHECK(host::resolve_in_store(store, options.reference));
  LATHE_TRY(const store::Reference reference, store::parse_reference(options.reference));
  LATHE_TRY(const auto version, store.catalogue.deploy(options.name, reference));
  tell(version, common.json);
  return {};
}

Status rollback(const DeployOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto version, store.catalogue.rollback(options.name, options.version));
  tell(version, common.json);
  return {};
}

Status undeploy(const DeployOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_CHECK(store.catalogue.remove_deployment(options.name));
  if (common.json) {
    print_json({{"removed", options.name}});
  } else {
    fmt::print("removed {} with its versions; its models and adaptations stay\n", options.name);
  }
  return {};
}

}  // namespace

Action add_deploy(CLI::App& program, const Common& common) {
  auto options = make_options<DeployOptions>();
  CLI::App* command = program.add_subcommand(
      "deploy", "put a reference in charge of a name; each time is a new version");
  command->add_option("NAME", options->name, "the deployment")->required();
  command->add_option("REF", options->reference, "model, or model+adaptation+adaptation")
      ->required();
  command->footer("example: lathe deploy helpdesk starter+helpdesk-lora+handbook");
  return [options, &common] { return deploy(*options, common); };
}

Action add_rollback(CLI::App& program, const Common& common) {
  auto options = make_options<DeployOptions>();
  CLI::App* command =
      program.add_subcommand("rollback", "put an earlier version back in charge of a deployment");
  command->add_option("NAME", options->name, "the deployment")->required();
  command->add_option("--to", options->version, "the version (default: the one before)")
      ->check(CLI::PositiveNumber);
  command->footer("example: lathe rollback helpdesk --to 1");
  return [options, &common] { return rollback(*options, common); };
}

Action add_undeploy(CLI::App& program, const Common& common) {
  auto options = make_options<DeployOptions>();
  CLI::App* command = program.add_subcommand("undeploy", "remove a deployment and its versions");
  command->add_option("NAME", options->name, "the deployment")->required();
  command->footer("example: lathe undeploy helpdesk");
  return [options, &common] { return undeploy(*options, common); };
}

}  // namespace lathe::cli
