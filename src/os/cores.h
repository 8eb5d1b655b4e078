// The cores of this machine as far as this process may use them, and how many threads compute best
// on them.
//
// Threads of one core share its arithmetic units, and kernels that keep these busy gain nothing
// from a second thread there; so there is one thread a core. Of a hybrid processor the slow cores
// are left alone: they add less than they cost in power and in waiting for the last.
// Thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "os/file.h"

namespace lathe::os {

// More threads than this are refused.
constexpr std::size_t kMostThreads = 1024;

struct Core {
  std::vector<std::size_t> processors;  // its hardware threads that may be used, in rising order
  bool slow = false;                    // of those that a hybrid processor has to save power
};

struct Machine {
  std::vector<Core> cores;  // in the order of their first processors; at least one
  double quota = 0;         // processors' worth of time (os/cgroup.h); 0: no limit
};

// What stands under `root` ("/" but for tests) in /sys and /proc about these processors. Where
// nothing is said, each processor is a core, and all are alike; what is not understood counts as
// not said, with a warning in the log.
Machine read_machine(const Path& root, std::span<const std::size_t> allowed);

// This machine, as it was when the process first asked.
const Machine& this_machine();

// Whether threads are kept on processors.
enum class Placement {
  // Off a hybrid processor's slow cores, when there are enough others; else wherever the system
  // puts them.
  system,
  // Each on a core of its own: for who has the machine alone. Two processes that do so sit on each
  // other's cores.
  pinned,
};

struct ThreadPlan {
  std::size_t threads = 1;                    // the caller's included
  std::vector<std::size_t> processors;        // where they may run; empty: everywhere
  std::vector<std::vector<std::size_t>> own;  // by thread, when pinned: the processors of its core

  const std::vector<std::size_t>& processors_of(std::size_t thread) const {
    return own.empty() ? processors : own[thread % own.size()];
  }
};

// wanted 0: a thread for each core that is not slow, and no more than the quota, rounded, pays for.
ThreadPlan plan_threads(const Machine& machine, std::size_t wanted,
                        Placement placement = Placement::system);

}  // namespace lathe::os
