// What lathe import does, for lathe pull of a path, too.
#pragma once

#include <string>

#include "cli/command.h"

namespace lathe::cli {

// Copies the model at the path into the store and prints what it is. name: empty for one after the
// path.
Status import_path(const std::string& path, const std::string& name, const Common& common);

}  // namespace lathe::cli
