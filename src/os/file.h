// Files: reading whole ones, mapping them, and writing them so that a crash at any moment leaves
// the old file or the new one and never half of either. Thread-safe: no state but the file
// system's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace lathe::os {

using Path = std::filesystem::path;

// The whole file as bytes. Errors: not_found, io, limit (larger than max_bytes).
Result<std::string> read_file(const Path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

// A read-only mapping of a whole file; the pages are shared by every process that maps it.
// Move-only; the bytes live as long as the object. An empty file maps to an empty span.
class MappedFile {
 public:
  static Result<MappedFile> open(const Path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // For what will be read whole: asks for huge pages and for all pages at once instead of one by
  // one as they are touched. A wish: a system that does not know it reads as before.
  void populate() const;
  const Path& path() const { return path_; }

 private:
  Path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Receives the pieces of a file that is being written, in order.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual Status write(std::span<const std::byte> bytes) = 0;
  Status write(std::string_view text) {
    return write(std::as_bytes(std::span(text.data(), text.size())));
  }
  // Bytes written so far.
  virtual std::uint64_t offset() const = 0;
};

// Writes path atomically: a temporary file in the same folder, fsync, rename, fsync of the folder.
// On any error the old file stays and the temporary one is removed.
Status write_file_atomically(const Path& path, FunctionRef<Status(FileWriter&)> produce);
Status write_file_atomically(const Path& path, std::string_view text);

// What tells that a file was written to, as far as the system says it.
struct FileStamp {
  std::uint64_t size = 0;     // bytes
  std::int64_t modified = 0;  // nanoseconds since 1970

  bool operator==(const FileStamp&) const = default;
};
Result<FileStamp> file_stamp(const Path& path);
// Gives a file another time of modification, in nanoseconds since 1970.
Status set_modification_time(const Path& path, std::int64_t nanoseconds);

// Whether something stands there; what cannot be looked at counts as absent.
bool exists(const Path& path);

// Makes the folder and its parents; fine when it exists.
Status make_directories(const Path& path);

// A fresh folder that is removed, with what is in it, when the object goes: for tests and scratch
// work.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();
  const Path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(Path path) : path_(std::move(path)) {}
  Path path_;
};

}  // namespace lathe::os
