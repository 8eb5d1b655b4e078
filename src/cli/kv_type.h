// --kv-type of the commands that answer: how keys and values are kept.
#pragma once

#include <CLI/CLI.hpp>

#include "engine/engine.h"

namespace lathe::cli {

// type must outlive the parsing of the command line.
void add_kv_type(CLI::App& command, kernels::KvType& type);

}  // namespace lathe::cli
