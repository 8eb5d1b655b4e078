// A model's matrices as the kernels stream them, in a file that is mapped and used as it lies: no
// parsing, copying or repacking stands between it and the first token, and every process that maps
// it shares its pages. docs/packed.md is the format, with offsets.
//
// What a matrix's bytes mean is the packer's affair (models/packed_model.h); here they are named
// stretches of bytes with a shape, a layout and a hash. The file says which model's files it was
// made of (`source`) and when it was written (`sealed`): as long as it still has that time nothing
// has been written to it since its hashes were taken.
//
// Everything but the matrices' bytes is checked when a file is opened: magic, version, the hash of
// the directory, and that each matrix lies inside the file, on a page, and apart from the others.
//
// Thread-safety: an open file is immutable; share it freely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "base/result.h"
#include "os/file.h"

namespace lathe::formats {

inline constexpr std::uint32_t kPackedVersion = 2;
inline constexpr std::size_t kPackedAlignment = 4096;  // of a matrix's bytes in the file

// How a matrix is packed, in the numbers of kernels/packed.h: not checked here.
struct PackedLayout {
  std::uint8_t form = 0;
  std::uint8_t bits = 0;
  std::uint8_t zero = 0;

  bool operator==(const PackedLayout&) const = default;
};

// A matrix [rows, columns]; the bytes are somebody else's.
struct PackedMatrix {
  std::string name;  // canonical, as in formats/model_source.h
  PackedLayout layout;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::span<const std::byte> bytes;
  std::uint64_t hash = 0;  // packed_hash(bytes); a writer computes it
};

// Of the bytes of a matrix.
std::uint64_t packed_hash(std::span<const std::byte> bytes);

class PackedFile {
 public:
  // Maps the file. Errors: not_found, io; bad_input (no such file, torn, damaged; says what);
  // unsupported (another version).
  static Result<PackedFile> open(const os::Path& path);
  // The same over bytes in memory. REQUIRES: the bytes outlive the object.
  static Result<PackedFile> parse(std::span<const std::byte> bytes);

  std::uint64_t source() const { return source_; }
  // Nanoseconds since 1970: the time of modification that the writer gave the file.
  std::int64_t sealed() const { return sealed_; }
  // In the order they were written. The bytes live as long as this object (moves included).
  std::span<const PackedMatrix> matrices() const { return matrices_; }
  // nullptr when there is none of that name.
  const PackedMatrix* find(std::string_view name) const;

  // Compares all bytes with their hashes. Error: bad_input, naming a matrix that is damaged.
  Status verify(Parallel& parallel) const;
  // Asks the system for all pages at once instead of one by one as they are touched. A wish.
  void populate() const;

 private:
  os::MappedFile file_;  // empty for parse()
  std::uint64_t source_ = 0;
  std::int64_t sealed_ = 0;
  std::vector<PackedMatrix> matrices_;
  std::map<std::string, std::size_t, std::less<>> by_name_;  // places in matrices_
};

// What a packed file is made of.
struct PackedContents {
  std::uint64_t source = 0;
  std::size_t count = 0;  // matrices
  // Matrix `index`; its bytes are needed until the next call.
  FunctionRef<Result<PackedMatrix>(std::size_t index)> matrix;
  // Written at once. The page cache keeps what was written together in large pages (up to 2 MiB),
  // of which a process that touches one byte maps all: good for what is read whole.
  std::size_t piece_bytes = std::size_t{4} << 20;
};

// Writes it atomically, one matrix after the other, and seals it. Errors: io; those of
// contents.matrix; bad_input (a name longer than 65,535 bytes).
Status write_packed_file(const os::Path& path, const PackedContents& contents);

// Gives the file the time of its seal: it was verified and is as it was written. Errors: io.
Status seal_packed_file(const os::Path& path, std::int64_t sealed);

}  // namespace lathe::formats
