#include "hub/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace lathe::hub {
namespace {

constexpr std::uint64_t kLeastPiece = std::uint64_t{256} << 10;
constexpr std::uint64_t kLargestPiece = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxJournalBytes = std::uint64_t{16} << 20;
constexpr const char* kJournalEnd = ".journal";

Error failed(const char* action, const os::Path& path) {
  const int code = errno;
  Error error = Error::io(fmt::format("cannot {}: {}", action, std::strerror(code)));
  error.where = path.string();
  if (code == ENOSPC || code == EDQUOT || code == EFBIG)
    error.fix = "make room on the disk and run it again: what came is kept";
  return error;
}

// Some 256 pieces, so that the journal stays small and little is lost by a kill.
std::uint64_t piece_bytes_for(std::uint64_t size) {
  return std::clamp(size / 256 / kLeastPiece * kLeastPiece, kLeastPiece, kLargestPiece);
}

// A line without its end, or nothing when the text has no whole line more.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool is_journal(const os::Path& path) { return path.extension() == kJournalEnd; }

PartialFile::PartialFile(os::Path path, std::uint64_t size, std::string tag)
    : path_(std::move(path)),
      size_(size),
      piece_bytes_(piece_bytes_for(size)),
      tag_(std::move(tag)),
      done_((size + piece_bytes_ - 1) / piece_bytes_, false) {}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      size_(other.size_),
      piece_bytes_(other.piece_bytes_),
      tag_(std::move(other.tag_)),
      etag_(std::move(other.etag_)),
      done_(std::move(other.done_)),
      verified_(other.verified_),
      data_(std::exchange(other.data_, -1)),
      journal_(std::exchange(other.journal_, -1)) {}

PartialFile::~PartialFile() {
  if (data_ >= 0) ::close(data_);
  if (journal_ >= 0) ::close(journal_);
}

os::Path PartialFile::journal_path() const { return path_.string() + kJournalEnd; }

Result<PartialFile> PartialFile::open(const os::Path& path, std::uint64_t size,
                                      const std::string& tag) {
  PartialFile file(path, size, has_control(tag) ? std::string() : tag);
  LATHE_CHECK(os::make_directories(path.parent_path()));
  LATHE_CHECK(file.prepare());
  return file;
}

Status PartialFile::prepare() {
  data_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (data_ < 0) return failed("open the file", path_);
  journal_ = ::open(journal_path().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal_ < 0) return failed("open the journal", journal_path());
  struct stat info = {};
  if (::fstat(data_, &info) != 0) return failed("examine the file", path_);
  const bool as_large = static_cast<std::uint64_t>(info.st_size) == size_;
  if (!tag_.empty() && as_large && read_journal()) return {};
  return restart();
}

Status PartialFile::restart() {
  etag_.clear();
  verified_ = false;
  done_.assign(done_.size(), false);
  if (::ftruncate(journal_, 0) != 0) return failed("clear the journal", journal_path());
  if (::ftruncate(data_, 0) != 0 || ::ftruncate(data_, static_cast<off_t>(size_)) != 0)
    return failed("make the file as large as it will be", path_);
  return start_journal();
}

Status PartialFile::start_journal() {
  return append(
      fmt::format("lathe-partial 1\nsize {}\npiece {}\ntag {}\n", size_, piece_bytes_, tag_));
}

// False when it is about something else or damaged: then nothing of it counts.
bool PartialFile::read_journal() {
  const auto text = os::read_file(journal_path(), kMaxJournalBytes);
  if (!text.ok()) return false;
  std::string_view rest = *text;
  const std::string expected[] = {"lathe-partial 1", fmt::format("size {}", size_),
                                  fmt::format("piece {}", piece_bytes_), "tag " + tag_};
  for (const std::string& line : expected) {
    if (take_line(rest) != line) return false;
  }
  const std::size_t whole = text->rfind('\n') + 1;
  if (whole != text->size() && ::ftruncate(journal_, static_cast<off_t>(whole)) != 0) return false;
  while (const auto line = take_line(rest)) {
    std::size_t index = 0;
    if (*line == "verified") {
      verified_ = true;
    } else if (line->starts_with("etag ")) {
      etag_ = line->substr(5);
    } else if (line->starts_with("done ") &&
               std::from_chars(line->data() + 5, line->data() + line->size(), index).ec ==
                   std::errc() &&
               index < done_.size()) {
      done_[index] = true;
    } else {
      etag_.clear();
      return false;
    }
  }
  return true;
}

Status PartialFile::append(const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(journal_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write the journal", journal_path());
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

PartialFile::Piece PartialFile::piece(std::size_t index) const {
  const std::uint64_t first = index * piece_bytes_;
  return {first, std::min(piece_bytes_, size_ - first)};
}

std::uint64_t PartialFile::done_bytes() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < done_.size(); ++i) sum += done_[i] ? piece(i).size : 0;
  return sum;
}

Status PartialFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  LATHE_ASSERT(offset <= size_ && bytes.size() <= size_ - offset);
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(data_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write the file", path_);
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Status PartialFile::mark(std::size_t index) {
  if (::fdatasync(data_) != 0) return failed("write the file through", path_);
  const std::lock_guard lock(mutex_);
  done_[index] = true;
  return append(fmt::format("done {}\n", index));
}

Status PartialFile::set_etag(const std::string& etag) {
  if (etag.empty() || has_control(etag) || etag == etag_) return {};
  etag_ = etag;
  return append(fmt::format("etag {}\n", etag));
}

Status PartialFile::mark_verified() {
  verified_ = true;
  return append("verified\n");
}

}  // namespace lathe::hub
