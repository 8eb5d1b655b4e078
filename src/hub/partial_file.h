// A file on its way: written piece by piece in any order, at its full size from the start (with
// holes), with a journal beside it ("NAME.journal") that says which pieces are there. Killed at any
// moment, the next one who opens it goes on from the pieces that the journal has; a piece is
// written through to the disk before the journal says so, and a torn last line does not count.
//
// The journal is text: "lathe-partial 1", "size N", "piece N", "tag TEXT", then as things happen
// "etag TEXT", "done I", "verified".
//
// Thread-safety: write() and mark() may be called from several threads for different pieces; the
// rest belongs to one.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/file.h"

namespace lathe::hub {

class PartialFile {
 public:
  struct Piece {
    std::uint64_t first = 0;
    std::uint64_t size = 0;
  };

  // tag says which bytes it is about ("sha256:…"); what is there under another tag or size is
  // thrown away. An empty tag: nothing is known, so nothing that is there is kept.
  // Errors: io (full disk, permissions).
  static Result<PartialFile> open(const os::Path& path, std::uint64_t size, const std::string& tag);

  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  const os::Path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  std::size_t pieces() const { return done_.size(); }
  Piece piece(std::size_t index) const;
  bool is_done(std::size_t index) const { return done_[index]; }
  bool is_verified() const { return verified_; }
  std::uint64_t done_bytes() const;
  // What the server called these bytes when the first came; empty when it said nothing.
  const std::string& etag() const { return etag_; }

  // REQUIRES: offset + bytes.size() <= size().
  Status write(std::uint64_t offset, std::span<const std::byte> bytes);
  // The piece is whole.
  Status mark(std::size_t index);
  Status set_etag(const std::string& etag);
  // The hash of the whole was checked, or there is none to check.
  Status mark_verified();
  // Forgets every piece.
  Status restart();

 private:
  PartialFile(os::Path path, std::uint64_t size, std::string tag);
  Status prepare();
  Status start_journal();
  bool read_journal();
  Status append(const std::string& line);
  os::Path journal_path() const;

  os::Path path_;
  std::uint64_t size_;
  std::uint64_t piece_bytes_;
  std::string tag_;
  std::string etag_;
  std::vector<bool> done_;
  bool verified_ = false;
  int data_ = -1;
  int journal_ = -1;
  std::mutex mutex_;  // guards done_ and the journal
};

// The journal of a file in a folder of downloads, if it is one.
bool is_journal(const os::Path& path);

}  // namespace lathe::hub
