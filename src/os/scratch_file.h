// Bytes that are needed for a while and need not fit in memory: a file without a name, written once
// and then mapped. It is gone when the object goes or the process dies, however it dies. Not
// thread-safe while it is written.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "os/file.h"

namespace lathe::os {

class ScratchFile final : public FileWriter {
 public:
  // In that folder's file system. Errors: io.
  static Result<ScratchFile> make(const Path& folder);

  ScratchFile(ScratchFile&& other) noexcept
      : folder_(std::move(other.folder_)),
        file_(std::exchange(other.file_, -1)),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() override;

  using FileWriter::write;
  // REQUIRES: map() has not been called. Errors: io (a full disk).
  Status write(std::span<const std::byte> bytes) override;
  std::uint64_t offset() const override { return size_; }

  // All that was written; the view lives as long as the object, moves included.
  Result<std::span<const std::byte>> map();

 private:
  ScratchFile(Path folder, int file) : folder_(std::move(folder)), file_(file) {}

  Path folder_;
  int file_;
  std::uint64_t size_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace lathe::os
