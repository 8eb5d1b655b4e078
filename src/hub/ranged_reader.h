// Takes the answer to a request for a part of a file: holds the server to the range, the size and
// the ETag, and writes the bytes in their place. Internal to src/hub.
#pragma once

#include <atomic>

#include "base/function_ref.h"
#include "hub/http_client.h"
#include "hub/partial_file.h"
#include "hub/repository.h"

namespace lathe::hub {

// What the requests of one file share.
struct FileTransfer {
  const RemoteFile& file;
  PartialFile& partial;
  FunctionRef<void(std::int64_t)> received;
  std::atomic<bool> stopped = false;  // another request failed: the rest is not wanted
  std::atomic<bool> changed = false;  // the server has other bytes by now
};

class RangedReader final : public BodyReader {
 public:
  // What an answer with the whole file is good for, from a server that has no ranges.
  enum class IfWhole {
    take,    // all of it, in place of the part
    cut,     // the part of it: the rest is not read
    refuse,  // nothing: ranges worked before, and other requests of the file are under way
  };
  RangedReader(FileTransfer& transfer, PartialFile::Piece part, IfWhole if_whole)
      : transfer_(transfer), part_(part), if_whole_(if_whole) {}

  // The bytes that are still to come.
  ByteRange range() const { return {part_.first + got_, part_.first + part_.size - 1}; }
  bool is_complete() const { return got_ == part_.size; }
  // The server has no ranges and sent the whole file.
  bool is_whole() const { return whole_; }

  Status head(const ResponseHead& head) override;
  Status body(std::span<const std::byte> bytes) override;

 private:
  Status check_range(const ResponseHead& head) const;
  Status check_identity(const ResponseHead& head);
  Status begin_whole(const ResponseHead& head);
  Error at_file(Error error) const;

  FileTransfer& transfer_;
  PartialFile::Piece part_;
  IfWhole if_whole_;
  std::uint64_t got_ = 0;
  std::uint64_t skip_ = 0;  // bytes of a whole file before those that are wanted
  bool cut_ = false;        // the rest of a whole file is not wanted
  bool whole_ = false;
};

}  // namespace lathe::hub
