// The program: parses the command line, runs the command, and turns its status into output and exit
// code (0 done, 1 failed, 2 usage).
#include <fmt/format.h>

#include "cli/commands.h"
#include "kernels/table.h"

namespace lathe::cli {
namespace {

constexpr Command kCommands[] = {
    {"import", add_import},
    {"pull", add_pull},
    {"models", add_models},
    {"adaptations", add_adaptations},
    {"knowledge", add_knowledge},
    {"prompt", add_prompt},
    {"run", add_run},
    {"serve", add_serve},
    {"deploy", add_deploy},
    {"rollback", add_rollback},
    {"undeploy", add_undeploy},
    {"ps", add_ps},
    {"logs", add_logs},
    {"pretrain", add_pretrain},
    {"tune", add_tune},
    {"export", add_export},
    {"eval", add_eval},
    {"compare", add_compare},
    {"inspect", add_inspect},
    {"bench", add_bench},
    {"embed", add_embed},
};

int report(const Status& status) {
  if (status.ok()) return 0;
  fmt::print(stderr, "lathe: {}\n", status.error().message());
  return 1;
}

int run(int argc, char** argv) {
  CLI::App program("Lathe shapes a pre-trained language model to one job and serves it.", "lathe");
  Common common;
  program.add_flag("--json", common.json, "print data as JSON");
  program.add_option("--home", common.home, "the local store (default: $LATHE_HOME or ~/.lathe)");
  program
      .add_option("--threads", common.threads,
                  "threads to compute with (0: one for each fast core that the process may use)")
      ->check(CLI::Range(std::size_t{0}, os::kMostThreads));
  program.add_flag("--pin", common.pin,
                   "keep each thread on a core of its own: for one process that has the machine");
  program.require_subcommand(1);
  program.fallthrough();  // the flags above may stand after the command, too
  program.set_version_flag("--version", "lathe 0.1.0");
  std::map<std::string, Action> actions;
  for (const Command& command : kCommands) actions[command.name] = command.add(program, common);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  if (const Status status = kernels::check_selection(); !status.ok()) return report(status);
  return report(actions.at(program.get_subcommands().front()->get_name())());
}

}  // namespace
}  // namespace lathe::cli

int main(int argc, char** argv) { return lathe::cli::run(argc, argv); }
