// A command of the program: one file each, registered in commands.cc. A command declares its flags
// on a CLI11 subcommand and gives back what runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/result.h"
#include "os/cores.h"
#include "os/file.h"

namespace lathe::cli {

// Flags that every command has.
struct Common {
  bool json = false;        // --json: data as JSON on standard output
  std::string home;         // --home: the local store
  std::size_t threads = 0;  // --threads: 0 is as many as pay (os/cores.h)
  bool pin = false;         // --pin: each thread stays on a core of its own

  os::ThreadPlan thread_plan() const {
    return os::plan_threads(os::this_machine(), threads,
                            pin ? os::Placement::pinned : os::Placement::system);
  }
};

using Action = std::function<Status()>;

// Adds the command to the program; the action runs after parsing. common outlives the action.
struct Command {
  const char* name;
  Action (*add)(CLI::App& program, const Common& common);
};

// The options of a subcommand live as long as its action: they are held by a shared pointer that
// the action captures.
template <class Options>
std::shared_ptr<Options> make_options() {
  return std::make_shared<Options>();
}

}  // namespace lathe::cli
