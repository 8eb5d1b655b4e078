// Files from a server into a folder, by ranges on several connections, going on where an earlier
// run stopped (partial_file.h), with sizes and hashes checked.
//
// A file whose bytes changed on the server while it came (another ETag) or whose hash is wrong is
// fetched anew, once; then it is an error. A server without ranges is read in one go.
#pragma once

#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "base/result.h"
#include "hub/http_client.h"
#include "hub/partial_file.h"
#include "hub/repository.h"
#include "os/file.h"

namespace lathe::hub {

class Downloader {
 public:
  // received: told of bytes as they come (negative when they are thrown away again); called from
  // several threads at once. All outlive the object.
  Downloader(HttpClient& client, Parallel& parallel, FunctionRef<void(std::int64_t bytes)> received)
      : client_(client), parallel_(parallel), received_(received) {}

  // One file at a time, its ranges in parallel: for large ones.
  Status fetch(std::span<const RemoteFile> files, const os::Path& folder);
  // Several files at once: for small ones.
  Status fetch_small(std::span<const RemoteFile> files, const os::Path& folder);

  // Puts a part of a file in its place, for whoever reads its header before the rest comes. The
  // pieces it lies in still come with fetch(). REQUIRES: part lies in the file.
  Status fetch_part(const RemoteFile& file, const os::Path& folder, PartialFile::Piece part);

 private:
  HttpClient& client_;
  Parallel& parallel_;
  FunctionRef<void(std::int64_t)> received_;
};

// Bytes that an earlier run left of these files.
Result<std::uint64_t> bytes_kept(std::span<const RemoteFile> files, const os::Path& folder);

// Size, hash (where the Hub says it) and ETag of a file that only its URL is known of.
Result<RemoteFile> examine(HttpClient& client, const Url& url, const std::string& name);

}  // namespace lathe::hub
