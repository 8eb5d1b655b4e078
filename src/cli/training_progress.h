// The progress line of training commands.
#pragma once

#include "cli/progress.h"
#include "training/trainer.h"

namespace lathe::cli {

// Callbacks that show loss, rate and time left, and stop the run at an interrupt (Ctrl-C), so that
// its last checkpoint is written. line must outlive them.
training::TrainerCallbacks training_callbacks(ProgressLine& line);

// Whether Ctrl-C came since training_callbacks().
bool interrupted();

}  // namespace lathe::cli
