// Every command of the program. Adding one is a file with its add function, a line here and a line
// in main.cc's table.
#pragma once

#include "cli/command.h"

namespace lathe::cli {

Action add_import(CLI::App& program, const Common& common);
Action add_pull(CLI::App& program, const Common& common);
Action add_models(CLI::App& program, const Common& common);
Action add_adaptations(CLI::App& program, const Common& common);
Action add_knowledge(CLI::App& program, const Common& common);
Action add_prompt(CLI::App& program, const Common& common);
Action add_run(CLI::App& program, const Common& common);
Action add_serve(CLI::App& program, const Common& common);
Action add_deploy(CLI::App& program, const Common& common);
Action add_rollback(CLI::App& program, const Common& common);
Action add_undeploy(CLI::App& program, const Common& common);
Action add_ps(CLI::App& program, const Common& common);
Action add_logs(CLI::App& program, const Common& common);
Action add_pretrain(CLI::App& program, const Common& common);
Action add_tune(CLI::App& program, const Common& common);
Action add_export(CLI::App& program, const Common& common);
Action add_eval(CLI::App& program, const Common& common);
Action add_compare(CLI::App& program, const Common& common);
Action add_embed(CLI::App& program, const Common& common);
Action add_inspect(CLI::App& program, const Common& common);
Action add_bench(CLI::App& program, const Common& common);

}  // namespace lathe::cli
