// GGUF files, versions 2 and 3, little-endian: metadata and tensors in one mapped file.
//
// Opening checks everything but the values: counts against the bytes that are left, string lengths,
// types, duplicate keys and names, shapes, alignment, and that tensors lie inside the file without
// overlap. Tensors of a type that Lathe cannot read do not prevent opening: their metadata stays
// readable, and asking for one of them is an `unsupported` error.
//
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
// Thread-safety: an open file is immutable; share it freely.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf_metadata.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

constexpr std::uint64_t kMaxGgufKeyBytes = 65'535;
constexpr std::uint64_t kMaxGgufAlignment = 1 << 20;

// One line of the file's tensor table.
struct GgufTensorInfo {
  std::string name;
  std::uint32_t type = 0;    // ggml's number; ggml_type_name() below
  tensor::Shape shape;       // row-major: ggml's "ne" reversed, so a matrix is [rows, columns]
  std::uint64_t offset = 0;  // from the start of the data section
};

// "F16", "Q4_K", …; "type 77" for a number that ggml has not given.
std::string ggml_type_name(std::uint32_t type);

class GgufFile {
 public:
  // Maps the file; views live as long as this object (moves included).
  // Errors: not_found, io, bad_input (damaged), unsupported (version 1, big-endian).
  static Result<GgufFile> open(const os::Path& path);

  // The same over bytes in memory. REQUIRES: the bytes outlive the object.
  static Result<GgufFile> parse(std::span<const std::byte> bytes);

  std::uint32_t version() const { return version_; }
  const GgufMetadata& metadata() const { return metadata_; }

  // In file order; empty for a vocabulary-only file.
  std::span<const GgufTensorInfo> tensors() const { return tensors_; }
  // nullptr when there is none of that name.
  const GgufTensorInfo* find(std::string_view name) const;

  // The values of a tensor of type F32, F16, BF16 or Q8_0.
  // Errors: not_found; unsupported (another type); both name the tensor.
  Result<tensor::TensorView> tensor(std::string_view name) const;

 private:
  static Result<GgufFile> read(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

  std::shared_ptr<const os::MappedFile> file_;  // null for parse()
  std::span<const std::byte> data_;             // the data section
  std::uint32_t version_ = 0;
  GgufMetadata metadata_;
  std::vector<GgufTensorInfo> tensors_;
  std::vector<std::size_t> by_name_;  // indices into tensors_, sorted by name
};

// Writes version 3 atomically, tensors in the order given, aligned to 32 bytes (or to
// "general.alignment" of the metadata). Types: f32 f16 bf16 q8_0 (rows of whole blocks).
// Errors: io; bad_input (duplicate, empty or over-long names); unsupported (another dtype).
Status write_gguf(const os::Path& path, const GgufMetadata& metadata,
                  std::span<const tensor::NamedTensor> tensors);

}  // namespace lathe::formats
