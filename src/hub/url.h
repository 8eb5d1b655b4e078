// URLs of http and https, read strictly: the one parser for what users write, what servers redirect
// to and what is asked of the network. What it does not take is an error that says which rule is
// broken; nothing is repaired.
//
// Pure functions; a Url is immutable data. Source: RFC 3986, and for hosts that look like numbers
// the WHATWG URL standard (one that ends in a number must be an IPv4 address).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lathe::hub {

inline constexpr std::size_t kMaxUrlBytes = 8192;  // signed URLs of object stores take some 2,000

struct Url {
  enum class Scheme { http, https };
  Scheme scheme = Scheme::https;
  std::string host;        // lower case; an IPv6 address stands without brackets
  std::uint16_t port = 0;  // never 0 in a parsed URL
  std::string path = "/";  // begins with "/", percent-encoded as it came, without "." and ".."
  std::string query;       // what follows "?", percent-encoded as it came

  bool operator==(const Url&) const = default;
};

// Refused: other schemes, a user or password, a fragment, control characters and spaces, bytes
// beyond ASCII, hosts and ports that cannot be, more than kMaxUrlBytes. Error: bad_input.
Result<Url> parse_url(std::string_view text);

// What a Location header stands for, seen from base: a whole URL, "//host/…", "/path" or "path". A
// fragment is cut off, since it is never sent.
Result<Url> resolve(const Url& base, std::string_view location);

// As parse_url() reads it; the port is left out where it is the scheme's own.
std::string to_string(const Url& url);

// Scheme, host and port: "https://huggingface.co". Who has the same origin is the same server.
std::string origin(const Url& url);

// As one part of a path: all but letters, digits and "-._~" percent-encoded.
std::string encode_segment(std::string_view text);
// The same with "/" kept.
std::string encode_path(std::string_view text);
// The bytes that a percent-encoded path stands for. Error: bad_input (a cut or wrong escape).
Result<std::string> decode_path(std::string_view text);

}  // namespace lathe::hub
