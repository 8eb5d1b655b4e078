#include "os/scratch_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace lathe::os {
namespace {

Error refused(const char* action, const Path& folder) {
  const int code = errno;
  Error error =
      Error::io(std::string("cannot ") + action + " a scratch file: " + std::strerror(code))
          .at(folder.string());
  if (code == ENOSPC) return std::move(error).fix_with("free some disk space and run it again");
  return error;
}

// For file systems without O_TMPFILE: a file that loses its name at once.
int make_and_unlink(const Path& folder) {
  std::string name = (folder / ".scratch-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(name.c_str());
  return file;
}

}  // namespace

Result<ScratchFile> ScratchFile::make(const Path& folder) {
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) file = make_and_unlink(folder);
  if (file < 0) return refused("make", folder);
  return ScratchFile(folder, file);
}

ScratchFile::~ScratchFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  if (file_ >= 0) ::close(file_);
}

Status ScratchFile::write(std::span<const std::byte> bytes) {
  LATHE_ASSERT(data_ == nullptr);
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused("write", folder_);
    size_ += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::span<const std::byte>> ScratchFile::map() {
  if (data_ == nullptr && size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_, 0);
    if (mapped == MAP_FAILED) return refused("map", folder_);
    data_ = static_cast<std::byte*>(mapped);
  }
  return std::span<const std::byte>(data_, size_);
}

}  // namespace lathe::os
