// The state of a run on disk: learning parameters, moments, step and data cursor in one safetensors
// file, replaced atomically, so that a kill at any moment leaves the last whole checkpoint.
// Resuming from it gives the weights, bit for bit, of a run that was never interrupted.
#pragma once

#include <string>

#include "os/file.h"
#include "training/data_order.h"
#include "training/optimizer.h"

namespace lathe::training {

struct CheckpointState {
  std::int64_t step = 0;
  std::int64_t tokens = 0;
  DataCursor cursor;
  // Of everything that shapes the run (options, data, model, kernels); resuming needs the same.
  std::string fingerprint;
};

Status save_checkpoint(const os::Path& path, const CheckpointState& state, AdamW& optimizer);

// Fills the optimizer's parameters and moments. Errors: not_found, bad_input (another run's
// checkpoint, or a damaged one); then nothing has changed.
Result<CheckpointState> load_checkpoint(const os::Path& path, const std::string& fingerprint,
                                        AdamW& optimizer);

}  // namespace lathe::training
