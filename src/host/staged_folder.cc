#include "host/staged_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStagedPrefix = ".staged-";
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

Error refused(const char* action, const os::Path& path, const std::string& why) {
  return Error::io(std::string("cannot ") + action + ": " + why).at(path.string());
}

// Folders that somebody who died left behind. REQUIRES: the lock of the parent.
void clear_left_behind(const os::Path& parent) {
  std::error_code code;
  std::vector<os::Path> found;
  for (const auto& entry : fs::directory_iterator(parent, code)) {
    if (entry.path().filename().string().starts_with(kStagedPrefix)) found.push_back(entry.path());
  }
  for (const os::Path& path : found) fs::remove_all(path, code);
}

Status sync_folder(const os::Path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int code = errno;
  if (file >= 0) ::close(file);
  if (synced) return {};
  return refused("sync the folder", folder, std::strerror(code));
}

}  // namespace

Result<FolderLock> FolderLock::take(const os::Path& folder) {
  const os::Path path = folder / ".lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return refused("open the lock", path, std::strerror(errno));
  FolderLock lock(file);
  while (::flock(file, LOCK_EX) != 0) {
    if (errno != EINTR) return refused("take the lock", path, std::strerror(errno));
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

Result<StagedFolder> StagedFolder::begin(const os::Path& target) {
  const os::Path parent = target.parent_path();
  LATHE_TRY(FolderLock lock, FolderLock::take(parent));
  clear_left_behind(parent);
  os::Path path = parent / (kStagedPrefix + target.filename().string());
  LATHE_CHECK(os::make_directories(path));
  return StagedFolder(std::move(lock), target, std::move(path));
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;  // the next one who stages tries again
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status StagedFolder::commit() {
  LATHE_CHECK(sync_folder(path_));
  std::error_code code;
  fs::remove_all(target_, code);
  if (code) return refused("remove what is in the way", target_, code.message());
  fs::rename(path_, target_, code);
  if (code) return refused("put the folder in its place", target_, code.message());
  path_.clear();
  return sync_folder(target_.parent_path());
}

Status copy_file(const os::Path& from, const os::Path& to,
                 FunctionRef<void(std::uint64_t bytes)> copied) {
  std::ifstream in(from, std::ios::binary);
  if (!in) return refused("open the file", from, std::strerror(errno));
  std::vector<char> piece(kPieceBytes);
  return os::write_file_atomically(to, [&](os::FileWriter& out) -> Status {
    while (true) {
      in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      const auto got = static_cast<std::size_t>(in.gcount());
      LATHE_CHECK(out.write(std::string_view(piece.data(), got)));
      copied(got);
      if (in.eof()) return {};
      if (!in) return refused("read the file", from, std::strerror(errno));
    }
  });
}

std::uint64_t disk_bytes(const os::Path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    const auto size = fs::file_size(path, code);
    return code ? 0 : size;
  }
  std::uint64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, code)) {
    if (entry.is_regular_file(code)) total += entry.file_size(code);
  }
  return total;
}

}  // namespace lathe::host
