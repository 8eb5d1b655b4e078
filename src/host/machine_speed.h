// What this machine does in a second, measured: bytes read from memory and operations of matrix
// products, by all threads together.
#pragma once

#include "base/parallel.h"
#include "base/result.h"
#include "host/forecast.h"
#include "os/clock.h"
#include "os/file.h"

namespace lathe::host {

// Takes about a second and 256 MB.
MachineSpeed measure_machine(Parallel& parallel, const os::Clock& clock);

// What was measured before on this processor with as many threads, kept in the file; otherwise
// measures and keeps it. A damaged file is measured anew. Error: io (writing it).
Result<MachineSpeed> machine_speed(const os::Path& file, Parallel& parallel,
                                   const os::Clock& clock);

}  // namespace lathe::host
