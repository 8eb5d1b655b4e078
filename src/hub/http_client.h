// GET requests over http and https, judged hop by hop (access.h), with bounds on everything that a
// server sends before it is kept: headers, redirects, times, and by its caller the body.
//
// The token goes to the server it is for and to no other, whatever redirects say. Proxies, .netrc
// and cookies are not used. Certificates are checked against the system's authorities, or those of
// the file named by SSL_CERT_FILE.
//
// Thread-safe: requests may run on several threads at once; connections are kept and reused.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "hub/access.h"
#include "hub/url.h"

namespace lathe::hub {

struct HttpSettings {
  double connect_seconds = 10;
  double stall_seconds = 30;  // fewer than 1,024 bytes a second for so long end a request
  int attempts = 5;           // of a request that may succeed later
  std::vector<NamedHost> named;
  std::optional<Url> token_for;  // the server that gets the token
  std::string token;             // empty: none
};

// Bytes first to last of a resource, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// What the server that answered at last said of its answer.
struct ResponseHead {
  long status = 0;
  Url url;                                    // of the last hop
  std::map<std::string, std::string> fields;  // by lower-case name
  std::string linked_hash;  // X-Linked-Etag of any hop, unquoted: the Hub's hash of a large file

  // Empty when it is absent.
  const std::string& field(const char* name) const;
  // The value of ETag when it stands for the same bytes ("strong"); empty otherwise.
  std::string strong_etag() const;
};

// How a request ended. What may pass (429, 5xx, a broken connection) is worth another attempt.
struct Attempt {
  Status status;
  bool may_pass = false;
  double wait_seconds = 0;  // what the server asked for; 0: nothing
};

// Takes an answer with status 200 or 206; others become errors. A refusal ends the request.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  virtual Status head(const ResponseHead& head) = 0;
  virtual Status body(std::span<const std::byte> bytes) = 0;
};

class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // One attempt, redirects followed.
  Attempt get(const Url& url, const std::optional<ByteRange>& range, BodyReader& reader);

  // Runs attempts until one succeeds, cannot succeed or there were enough; waits between them,
  // longer each time, as long as the server asks.
  Status retry(FunctionRef<Attempt()> attempt) const;

  // A whole body of at most max_bytes, with retries. Error: limit.
  Result<std::string> get_text(const Url& url, std::size_t max_bytes);

  const HttpSettings& settings() const { return settings_; }

 private:
  class Handles;
  // Made when they are first needed. Error: that of loading libcurl.
  Result<Handles*> handles();

  const HttpSettings settings_;
  Access access_;
  std::mutex handles_mutex_;  // guards the making of handles_
  std::unique_ptr<Handles> handles_;
};

}  // namespace lathe::hub
