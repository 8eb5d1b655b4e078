// A folder of the store that appears whole or not at all: it is filled under a temporary name
// beside its place and takes the place by one rename. Killed at any moment, nothing half remains
// under the real name, and the next one who stages clears the temporary folder away.
//
// Only one folder is staged under one parent at a time, by any process: begin() waits for the
// others. The system lets go of the lock when its holder dies.
#pragma once

#include <utility>

#include "base/function_ref.h"
#include "base/result.h"
#include "os/file.h"

namespace lathe::host {

// An exclusive lock on a folder's file ".lock". Move-only.
class FolderLock {
 public:
  // Waits while another one holds it. Errors: io.
  static Result<FolderLock> take(const os::Path& folder);

  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

class StagedFolder {
 public:
  // An empty folder beside target, and the lock.
  static Result<StagedFolder> begin(const os::Path& target);

  StagedFolder(StagedFolder&& other) noexcept
      : lock_(std::move(other.lock_)),
        target_(std::move(other.target_)),
        path_(std::exchange(other.path_, {})) {}
  StagedFolder& operator=(StagedFolder&&) = delete;
  // Removes the folder unless it was committed; gives the lock back.
  ~StagedFolder();

  const os::Path& path() const { return path_; }

  // Puts the folder in its place. What is there is replaced: the caller made sure, with the lock
  // held, that nobody's record points to it.
  Status commit();

 private:
  StagedFolder(FolderLock lock, os::Path target, os::Path path)
      : lock_(std::move(lock)), target_(std::move(target)), path_(std::move(path)) {}

  FolderLock lock_;
  os::Path target_;
  os::Path path_;  // empty once committed
};

// Copies a file through, on disk when it returns; says after each piece how many bytes it had.
Status copy_file(const os::Path& from, const os::Path& to,
                 FunctionRef<void(std::uint64_t bytes)> copied);

// Bytes of a file, or of the regular files in a folder; 0 for what is not there.
std::uint64_t disk_bytes(const os::Path& path);

}  // namespace lathe::host
