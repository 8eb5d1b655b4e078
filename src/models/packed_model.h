// The packed matrices of a model beside its files: made once, mapped by each start. docs/packed.md
// is the file, docs/decisions/011 says when it is trusted.
//
// A model that lies in a folder of its own (a model of the store) may have one; it stands there as
// `weights.packed` and belongs to those files as long as names, sizes and times of modification are
// those it was made of. The matrices that can be packed (ops/pack.h) are in it; what else a model
// has is read from its files.
// Thread-safety: no state but the file system's.
#pragma once

#include <cstdint>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "formats/derived_file.h"
#include "formats/model_source.h"
#include "ops/weights.h"

namespace lathe::models {

// model: what formats::ModelSource::open() takes.
os::Path packed_path(const os::Path& model);

// The same, with the stamp of the weights' files as they are now. Errors: io.
Result<formats::DerivedFile> packed_file_of(const os::Path& model);

// Opens the packed matrices of a model if they may be used as they are; see open_sealed().
Result<formats::PackedFile> open_packed(const os::Path& model);

// Packs all of the model's matrices that can be packed into packed_path(source.path()), atomically.
// progress(bytes of them done, all). Errors: those of reading and writing.
Status write_packed(const formats::ModelSource& source, Parallel& parallel,
                    FunctionRef<void(std::uint64_t done, std::uint64_t all)> progress);

// The panels of a mapped matrix. Errors: bad_input (a layout that no type is packed in, or a size
// that is not that of rows and columns).
Result<kernels::PackedPanels> panels_of(const formats::PackedMatrix& matrix);

}  // namespace lathe::models
