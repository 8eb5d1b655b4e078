// Every command of the program. Adding one is a file with its add function, a line here and a line
// in main.cc's table.
#pragma once

#include "cli/command.h"

namespace lathe::cli {

Action add_pretrain(CLI::App& program, const Common& common);
Action add_tune(CLI::App& program, const Common& common);
Action add_export(CLI::App& program, const Common& common);

}  // namespace lathe::cli
