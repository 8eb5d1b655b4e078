// Packed files that are derived from a model's own and lie beside them, each a cache of work that a
// start would do again: which files one belongs to, and whether it may be used as it is.
// docs/decisions/011 says why these checks. Thread-safety: no state but the file system's.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "formats/packed_file.h"

namespace lathe::formats {

// Where a model's files lie. model: what formats::ModelSource::open() takes.
os::Path folder_of(const os::Path& model);

// A hash of which model it is and of the names, sizes and times of modification of the files of its
// folder that takes() says.
Result<std::uint64_t> stamp_of(const os::Path& model, bool (*takes)(const os::Path&));

// A derived file and the stamp of what it must have been made of.
struct DerivedFile {
  os::Path path;
  std::uint64_t source = 0;
};

// Opens it if it may be used as it is. Errors: not_found; bad_input, unsupported (it cannot be
// used: why); unavailable (it was copied or written to since it was sealed, so that its bytes have
// to be verified first).
Result<PackedFile> open_sealed(const DerivedFile& file);
// The same without a look at the seal.
Result<PackedFile> open_unsealed(const DerivedFile& file);
// Compares all bytes with their hashes, and seals the file anew when they have them.
Status verify_and_seal(const DerivedFile& file, Parallel& parallel);

}  // namespace lathe::formats
