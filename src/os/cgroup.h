// What the control groups of a process leave it of the machine's time (Linux, cgroup v1 and v2).
// Thread-safe.
#pragma once

#include "os/file.h"

namespace lathe::os {

// The least quota of the process's group and those above it, as a number of processors; 0 without
// one. `root` is where /proc and /sys stand, "/" but for tests. Hierarchies are looked for where
// they are mounted as a rule: /sys/fs/cgroup for v2, /sys/fs/cgroup/cpu for v1. A file that does
// not say what it should is passed over with a warning in the log.
double cgroup_processors(const Path& root = "/");

}  // namespace lathe::os
