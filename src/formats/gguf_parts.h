// The parts of one model that llama.cpp's gguf-split wrote as several GGUF files,
// "NAME-00001-of-00003.gguf" and so on: the first has the metadata and names their count, each has
// some of the tensors. Internal to src/formats, and for who copies a model.
//
// Source: llama.cpp's llama_split_path and tools/gguf-split.
#pragma once

#include <vector>

#include "base/result.h"
#include "formats/gguf.h"

namespace lathe::formats {

// All files of the model whose (first) file this is, in order; the one alone when it is whole.
// Names are derived from this one's, so no file's contents lead elsewhere. Errors: bad_input (not
// the first part, or a name that says otherwise than the metadata).
Result<std::vector<os::Path>> gguf_part_paths(const os::Path& file, const GgufMetadata& metadata);

// "NAME-00002-of-00003.gguf"; index counts from 0.
std::string gguf_part_name(const std::string& name, std::size_t index, std::size_t count);

// Whether a file's name is that of a part other than the first.
bool is_later_gguf_part(std::string_view name);

// An open model of one or several files. Thread-safety: immutable; share it freely.
class GgufParts {
 public:
  // Maps all parts and checks that they belong together: numbers, counts, no tensor twice.
  // Errors: as GgufFile::open(); not_found names the missing part.
  static Result<GgufParts> open(const os::Path& file);

  // The file with the metadata.
  const GgufFile& first() const { return files_.front(); }
  std::span<const GgufFile> files() const { return files_; }

  // nullptr when no part has it.
  const GgufTensorInfo* find(std::string_view name) const;
  // As GgufFile::tensor().
  Result<tensor::TensorView> tensor(std::string_view name) const;

 private:
  const GgufFile& file_of(std::string_view name) const;

  std::vector<GgufFile> files_;
};

}  // namespace lathe::formats
