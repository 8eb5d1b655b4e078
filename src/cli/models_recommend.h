// lathe models recommend: which pre-trained model to take for a job.
#pragma once

#include "cli/command.h"

namespace lathe::cli {

// Adds the subcommand to `lathe models`; the action runs when it was chosen.
struct Subcommand {
  CLI::App* command;
  Action action;
};
Subcommand add_recommend(CLI::App& models, const Common& common);

}  // namespace lathe::cli
