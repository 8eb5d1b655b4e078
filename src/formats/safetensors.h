// safetensors files: 8 bytes of header length, a JSON header that names every tensor, then the
// values. A file is mapped and wholly checked when it is opened: header length, JSON depth and
// duplicate keys, dtypes, shapes, sizes, and that the tensors tile the data without overlap, gap or
// rest.
//
// Source: https://huggingface.co/docs/safetensors (format) and the checks of its reference reader.
// Thread-safety: an open file is immutable; share it freely.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

class SafetensorsFile {
 public:
  // Maps the file. Views point into the mapping and live as long as this object (moves included).
  // Errors: not_found, io, bad_input (damaged, naming the tensor and the field), unsupported (a
  // dtype Lathe has no use for, naming it and the tensor).
  static Result<SafetensorsFile> open(const os::Path& path);

  // The same over bytes in memory. REQUIRES: the bytes outlive the object.
  static Result<SafetensorsFile> parse(std::span<const std::byte> bytes);

  // Sorted by name. The bytes of a view are only as aligned as the file is: read them with memcpy
  // or tensor::to_f32 unless the address has been checked.
  std::span<const tensor::NamedTensor> tensors() const { return tensors_; }

  // nullptr when there is none of that name.
  const tensor::TensorView* find(std::string_view name) const;

  // not_found, naming the tensor.
  Result<tensor::TensorView> tensor(std::string_view name) const;

  // The header's "__metadata__"; empty when the file has none.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  os::MappedFile file_;  // empty for parse()
  std::vector<tensor::NamedTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes the tensors atomically. Layout as the reference writer's: data starts at a multiple of 8,
// wider dtypes first, then by name, so that every tensor is aligned to its element.
// Errors: io; bad_input (a duplicate or reserved name); unsupported (q8_0, which the format lacks).
Status write_safetensors(const os::Path& path, std::span<const tensor::NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace lathe::formats
