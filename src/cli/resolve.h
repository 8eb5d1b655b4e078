// The local store and references for commands: --home, $LATHE_HOME or ~/.lathe, and what a REF of
// the command line stands for (host/local_store.h has the rules).
#pragma once

#include <string>

#include "cli/command.h"
#include "host/local_store.h"

namespace lathe::cli {

using host::LocalStore;
using host::Resolved;

Result<LocalStore> open_store(const Common& common);

// Opens the store for one look. Commands that do more with it open it themselves.
Result<Resolved> resolve(const Common& common, const std::string& reference);

}  // namespace lathe::cli
