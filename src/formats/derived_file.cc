#include "formats/derived_file.h"

#include <algorithm>
#include <vector>

#include "base/fnv.h"

namespace lathe::formats {
namespace {

namespace fs = std::filesystem;

// Sorted by name.
Result<std::vector<os::Path>> files_of(const os::Path& folder, bool (*takes)(const os::Path&)) {
  std::error_code code;
  std::vector<os::Path> files;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (takes(entry.path())) files.push_back(entry.path());
  }
  if (code) return Error::io("cannot list the folder: " + code.message()).at(folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

os::Path folder_of(const os::Path& model) {
  std::error_code code;
  return fs::is_directory(model, code) ? model : model.parent_path();
}

Result<std::uint64_t> stamp_of(const os::Path& model, bool (*takes)(const os::Path&)) {
  const os::Path folder = folder_of(model);
  LATHE_TRY(const std::vector<os::Path> files, files_of(folder, takes));
  Fnv64 hash;
  hash.add_field(folder == model ? "" : model.filename().string());
  for (const os::Path& file : files) {
    LATHE_TRY(const os::FileStamp stamp, os::file_stamp(file));
    hash.add_field(file.filename().string());
    hash.add(stamp.size);
    hash.add(static_cast<std::uint64_t>(stamp.modified));
  }
  return hash.value();
}

Result<PackedFile> open_unsealed(const DerivedFile& file) {
  LATHE_TRY(PackedFile packed, PackedFile::open(file.path));
  if (packed.source() == file.source) return packed;
  return Error::bad_input("it is of other files than the model has now").at(file.path.string());
}

Result<PackedFile> open_sealed(const DerivedFile& file) {
  LATHE_TRY(PackedFile packed, open_unsealed(file));
  LATHE_TRY(const os::FileStamp stamp, os::file_stamp(file.path));
  if (stamp.modified == packed.sealed()) return packed;
  return Error::unavailable("it was copied or written to and is not verified yet")
      .at(file.path.string());
}

Status verify_and_seal(const DerivedFile& file, Parallel& parallel) {
  LATHE_TRY(const PackedFile packed, open_unsealed(file));
  LATHE_CHECK(packed.verify(parallel).at(file.path.string()));
  return seal_packed_file(file.path, packed.sealed());
}

}  // namespace lathe::formats
