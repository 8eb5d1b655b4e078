// What lathe import does, for lathe pull of a path, too.
#pragma once

#include <string>

#include "cli/command.h"

namespace lathe::cli {

struct PathToImport {
  std::string path;
  std::string name = {};      // empty: after the path
  std::string quantize = {};  // the type matrices are stored in; empty: as they are
  bool no_certificate = false;
};

// Copies the model at the path into the store and prints what it is.
Status import_path(const PathToImport& wanted, const Common& common);

}  // namespace lathe::cli
