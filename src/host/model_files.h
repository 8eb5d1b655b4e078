// The files of a model that are copied into the store: what serving reads, and nothing else of the
// folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "formats/encoder_source.h"
#include "formats/model_source.h"

namespace lathe::host {

struct FileToCopy {
  os::Path from;
  std::string name;  // in the store
};

// Of an open model, whose files have been checked. Errors: a README.md that is a link out of the
// folder.
Result<std::vector<FileToCopy>> files_of(const formats::ModelSource& source);
Result<std::vector<FileToCopy>> files_of(const formats::EncoderSource& source);

// progress(bytes done, bytes in all) while they are copied.
Status copy_all(const std::vector<FileToCopy>& files, const os::Path& to,
                FunctionRef<void(std::uint64_t, std::uint64_t)> progress);

}  // namespace lathe::host
