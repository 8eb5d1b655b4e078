#include "os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lathe::os {
namespace {

Error system_error(const char* action, const Path& path) {
  const int code = errno;
  const std::string what = fmt::format("cannot {} the file: {}", action, std::strerror(code));
  if (code == ENOENT) return Error::not_found(what).at(path.string());
  Error error = Error::io(what).at(path.string());
  if (code == ENOSPC) return std::move(error).fix_with("free some disk space and run it again");
  if (code == EACCES) return std::move(error).fix_with("check the file's permissions");
  return error;
}

// O_NONBLOCK: a pipe in a file's place is refused instead of waited for; files do not know it.
constexpr int kOpenToRead = O_RDONLY | O_NONBLOCK | O_CLOEXEC;

// Closes the descriptor when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Closes now and says whether the system could.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

// The size of an open regular file.
Result<std::uint64_t> file_size(const Descriptor& file, const Path& path) {
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return system_error("examine", path);
  if (!S_ISREG(info.st_mode)) {
    return Error::bad_input("this is not a regular file").at(path.string());
  }
  return static_cast<std::uint64_t>(info.st_size);
}

class DescriptorWriter final : public FileWriter {
 public:
  DescriptorWriter(const Descriptor& file, const Path& path) : file_(file), path_(path) {}

  using FileWriter::write;
  Status write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("write", path_);
      offset_ += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }
  std::uint64_t offset() const override { return offset_; }

 private:
  const Descriptor& file_;
  const Path& path_;
  std::uint64_t offset_ = 0;
};

Status sync_directory(const Path& directory) {
  Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) != 0) return system_error("sync", directory);
  return {};
}

// Fills and syncs the temporary file.
Status fill(const Path& temporary, FunctionRef<Status(FileWriter&)> produce) {
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return system_error("create", temporary);
  DescriptorWriter writer(file, temporary);
  LATHE_CHECK(produce(writer));
  if (::fsync(file.get()) != 0) return system_error("sync", temporary);
  if (!file.close()) return system_error("close", temporary);
  return {};
}

}  // namespace

Result<std::string> read_file(const Path& path, std::uint64_t max_bytes) {
  Descriptor file(::open(path.c_str(), kOpenToRead));
  if (!file.valid()) return system_error("open", path);
  LATHE_TRY(const std::uint64_t size, file_size(file, path));
  if (size > max_bytes) {
    return Error::limit(fmt::format("the file has {} bytes; at most {} are read", size, max_bytes))
        .at(path.string());
  }
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path);
    if (n == 0) return Error::io("the file became shorter while it was read").at(path.string());
    done += static_cast<std::size_t>(n);
  }
  return text;
}

Result<MappedFile> MappedFile::open(const Path& path) {
  Descriptor file(::open(path.c_str(), kOpenToRead));
  if (!file.valid()) return system_error("open", path);
  LATHE_TRY(const std::uint64_t size, file_size(file, path));
  MappedFile mapped;
  mapped.path_ = path;
  if (size == 0) return mapped;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return system_error("map", path);
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::populate() const {
  if (data_ == nullptr) return;
  auto* data = const_cast<std::byte*>(data_);
  (void)::madvise(data, size_, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_READ  // Linux 5.14
  (void)::madvise(data, size_, MADV_POPULATE_READ);
#else
  (void)::madvise(data, size_, MADV_WILLNEED);
#endif
}

Result<FileStamp> file_stamp(const Path& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return system_error("examine", path);
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return FileStamp{static_cast<std::uint64_t>(info.st_size),
                   info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

Status set_modification_time(const Path& path, std::int64_t nanoseconds) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  const timespec modified = {nanoseconds / kNanoseconds, nanoseconds % kNanoseconds};
  const timespec times[2] = {{0, UTIME_OMIT}, modified};
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) return system_error("touch", path);
  return {};
}

Status write_file_atomically(const Path& path, FunctionRef<Status(FileWriter&)> produce) {
  const Path folder = path.has_parent_path() ? path.parent_path() : Path(".");
  static std::atomic<std::uint64_t> counter{0};
  Path temporary = path;
  temporary += fmt::format(".{}.{}.partial", ::getpid(), counter.fetch_add(1));
  Status status = fill(temporary, produce);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = system_error("rename", path);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_directory(folder);
}

Status write_file_atomically(const Path& path, std::string_view text) {
  return write_file_atomically(path, [&](FileWriter& out) { return out.write(text); });
}

bool exists(const Path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Status make_directories(const Path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return Error::io("cannot make the folder: " + code.message()).at(path.string());
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::make() {
  std::error_code code;
  const Path base = std::filesystem::temp_directory_path(code);
  if (code) return Error::io("no folder for temporary files: " + code.message());
  std::string pattern = (base / "lathe-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return system_error("create", pattern);
  return TemporaryDirectory(pattern);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // a scratch folder that stays behind harms nobody
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace lathe::os
