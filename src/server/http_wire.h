// Responses as bytes: status line, headers, chunks. Pure functions.
// Source: RFC 9112, sections 4 to 7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace lathe::server {

struct ResponseHead {
  int status = 200;
  std::string_view content_type;
  const Headers* more = nullptr;              // may be null
  std::optional<std::size_t> content_length;  // absent: a stream
  bool chunked = false;                       // of a stream; otherwise it ends with the connection
  bool keep_alive = true;
  std::string_view request_id;
  std::int64_t unix_seconds = 0;  // for Date
};

// The head with its empty line. A header whose value has a line break is left out: it could only be
// a bug of ours, and must not become a second header.
std::string head_bytes(const ResponseHead& head);

// One chunk. An empty one would end the body: REQUIRES data not empty.
std::string chunk_bytes(std::string_view data);
std::string last_chunk_bytes();

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_seconds);

}  // namespace lathe::server
