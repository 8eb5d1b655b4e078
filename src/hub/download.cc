#include "hub/download.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>

#include "hub/digest.h"
#include "hub/partial_file.h"
#include "hub/ranged_reader.h"

namespace lathe::hub {
namespace {

constexpr int kTries = 2;  // of a whole file: as it is, and once anew

// Which bytes a journal is about. Files without a hash are known by what the server said of them.
std::string tag_of(const RemoteFile& file) {
  if (!file.sha256.empty()) return "sha256:" + file.sha256;
  if (!file.git_sha1.empty()) return "git-sha1:" + file.git_sha1;
  return file.version.empty() ? std::string() : "version:" + file.version;
}

Result<PartialFile> open_partial(const RemoteFile& file, const os::Path& folder) {
  return PartialFile::open(folder / file.path, file.size, tag_of(file));
}

bool has(const PartialFile& partial, PartialFile::Piece part) {
  for (std::size_t i = 0; i < partial.pieces(); ++i) {
    const PartialFile::Piece piece = partial.piece(i);
    const bool apart =
        piece.first + piece.size <= part.first || part.first + part.size <= piece.first;
    if (!apart && !partial.is_done(i)) return false;
  }
  return true;
}

// What is missing of a part, with retries that go on where the last one stopped.
Status get_part(HttpClient& client, FileTransfer& transfer, RangedReader& reader) {
  return client.retry([&]() -> Attempt {
    Attempt attempt = client.get(transfer.file.url, reader.range(), reader);
    if (reader.is_complete()) return {};
    if (attempt.status.ok())
      return {Error::unavailable("the connection ended before the file did").at(transfer.file.path),
              true};
    if (transfer.stopped) attempt.may_pass = false;
    return attempt;
  });
}

class FileFetch {
 public:
  FileFetch(HttpClient& client, Parallel& parallel, FileTransfer& transfer)
      : client_(client), parallel_(parallel), transfer_(transfer) {
    for (std::size_t i = 0; i < transfer.partial.pieces(); ++i) {
      if (!transfer.partial.is_done(i)) missing_.push_back(i);
    }
  }

  Status run() {
    if (missing_.empty()) return {};
    LATHE_CHECK(fetch_first());
    if (next_ < missing_.size()) parallel_.run(parallel_.width(), [this](std::size_t) { work(); });
    if (error_) return *error_;
    return {};
  }

 private:
  // Alone, since it shows whether the server has ranges and which ETag the rest must have.
  Status fetch_first() {
    PartialFile& partial = transfer_.partial;
    const std::size_t first = missing_[next_++];
    RangedReader reader(transfer_, partial.piece(first), RangedReader::IfWhole::take);
    LATHE_CHECK(get_part(client_, transfer_, reader));
    if (!reader.is_whole()) return partial.mark(first);
    for (const std::size_t i : missing_) LATHE_CHECK(partial.mark(i));
    next_ = missing_.size();
    return {};
  }

  // A worker: piece after piece until there are no more or one failed.
  void work() {
    while (!transfer_.stopped) {
      const std::size_t at = next_++;
      if (at >= missing_.size()) return;
      RangedReader reader(transfer_, transfer_.partial.piece(missing_[at]),
                          RangedReader::IfWhole::refuse);
      Status status = get_part(client_, transfer_, reader);
      if (status.ok()) status = transfer_.partial.mark(missing_[at]);
      if (!status.ok()) fail(status.error());
    }
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;  // what stopped the others, not that they were stopped
    transfer_.stopped = true;
  }

  HttpClient& client_;
  Parallel& parallel_;
  FileTransfer& transfer_;
  std::vector<std::size_t> missing_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards error_
  std::optional<Error> error_;
};

Status check_hash(const RemoteFile& file, const os::Path& path) {
  const bool large = !file.sha256.empty();
  const std::string& expected = large ? file.sha256 : file.git_sha1;
  if (expected.empty()) return {};
  LATHE_TRY(const std::string found, large ? sha256_of(path) : git_sha1_of(path));
  if (found == expected) return {};
  return Error::bad_input(
             fmt::format("the hash of what came is {}, that of the file is {}", found, expected))
      .at(file.path)
      .fix_with("the server or something before it sends wrong bytes: try another endpoint");
}

// Throws away what there is, and takes it off the count.
Status start_over(PartialFile& partial, FunctionRef<void(std::int64_t)> received) {
  received(-static_cast<std::int64_t>(partial.done_bytes()));
  return partial.restart();
}

Status fetch_one(HttpClient& client, Parallel& parallel, const RemoteFile& file,
                 const os::Path& folder, FunctionRef<void(std::int64_t)> received) {
  LATHE_TRY(PartialFile partial, open_partial(file, folder));
  for (int tries = 1; !partial.is_verified(); ++tries) {
    FileTransfer transfer{file, partial, received};
    Status status = FileFetch(client, parallel, transfer).run();
    if (!status.ok() && !transfer.changed) return status;
    if (status.ok()) status = check_hash(file, partial.path());
    if (status.ok()) return partial.mark_verified();
    LATHE_CHECK(start_over(partial, received));
    if (tries == kTries) return status;
  }
  return {};
}

// The size of the whole file, from the answer to a request for its first byte.
Result<std::uint64_t> size_of(const ResponseHead& head) {
  std::string_view text = head.field("content-length");
  if (head.status == 206) {
    text = head.field("content-range");
    constexpr std::string_view kBefore = "bytes 0-0/";
    text = text.starts_with(kBefore) ? text.substr(kBefore.size()) : std::string_view();
  }
  std::uint64_t size = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (code == std::errc() && end == text.data() + text.size()) return size;
  return Error::bad_input("the server does not say how large the file is").at(to_string(head.url));
}

}  // namespace

Status Downloader::fetch(std::span<const RemoteFile> files, const os::Path& folder) {
  for (const RemoteFile& file : files)
    LATHE_CHECK(fetch_one(client_, parallel_, file, folder, received_));
  return {};
}

Status Downloader::fetch_small(std::span<const RemoteFile> files, const os::Path& folder) {
  std::mutex mutex;
  std::optional<Error> error;
  parallel_.run(files.size(), [&](std::size_t i) {
    SerialParallel serial;
    const Status status = fetch_one(client_, serial, files[i], folder, received_);
    const std::lock_guard lock(mutex);
    if (!status.ok() && !error) error = status.error();
  });
  if (error) return *error;
  return {};
}

Status Downloader::fetch_part(const RemoteFile& file, const os::Path& folder,
                              PartialFile::Piece part) {
  LATHE_TRY(PartialFile partial, open_partial(file, folder));
  if (part.size == 0 || has(partial, part)) return {};
  const auto uncounted = [](std::int64_t) {};
  FileTransfer transfer{file, partial, uncounted};
  for (int tries = 1;; ++tries) {
    RangedReader reader(transfer, part, RangedReader::IfWhole::cut);
    const Status status = get_part(client_, transfer, reader);
    if (status.ok() || !transfer.changed || tries == kTries) return status;
    LATHE_CHECK(partial.restart());
    transfer.changed = false;
  }
}

Result<std::uint64_t> bytes_kept(std::span<const RemoteFile> files, const os::Path& folder) {
  std::uint64_t sum = 0;
  for (const RemoteFile& file : files) {
    std::error_code code;  // what is not there, or is something else, is nothing
    if (std::filesystem::file_size(folder / file.path, code) != file.size || code) continue;
    LATHE_TRY(const PartialFile partial, open_partial(file, folder));
    sum += partial.done_bytes();
  }
  return sum;
}

Result<RemoteFile> examine(HttpClient& client, const Url& url, const std::string& name) {
  struct Reader final : BodyReader {
    std::optional<ResponseHead> seen;
    Status head(const ResponseHead& head) override {
      seen = head;
      return {};
    }
    Status body(std::span<const std::byte>) override {
      return Error::cancelled("the head is all that was wanted");
    }
  } reader;
  const Status status = client.retry([&] {
    reader.seen.reset();
    Attempt attempt = client.get(url, ByteRange{0, 0}, reader);
    if (reader.seen) attempt = {};
    return attempt;
  });
  LATHE_CHECK(status);
  RemoteFile file;
  file.path = name;
  file.url = url;
  LATHE_TRY(file.size, size_of(*reader.seen));
  if (reader.seen->linked_hash.size() == 64) file.sha256 = reader.seen->linked_hash;
  file.version = reader.seen->strong_etag();
  if (file.version.empty()) file.version = reader.seen->field("last-modified");
  return file;
}

}  // namespace lathe::hub
