// A model out of the store (or from any path) as a file or folder that other programs read.
#pragma once

#include <string>
#include <vector>

#include "host/conversion.h"

namespace lathe::host {

struct ExportOptions {
  formats::ConversionPlan::Target format = formats::ConversionPlan::Target::gguf;
  ConversionOptions conversion;
  std::string name;  // general.name of a GGUF file
};

struct Exported {
  std::vector<formats::TypeChange> report;  // what every tensor became
  std::vector<evaluation::Certificate> certificates;
  bool certified = false;  // the last certificate is of this export
  // What llama.cpp does otherwise with a GGUF file of this model.
  std::vector<std::string> llama_cpp_differences = {};
};

// Writes to out, which is whole or not there afterwards (a folder without config.json is none).
// Errors: those of opening, converting and writing.
Result<Exported> export_model(const os::Path& model, const os::Path& out,
                              const ExportOptions& options, Parallel& parallel);

}  // namespace lathe::host
