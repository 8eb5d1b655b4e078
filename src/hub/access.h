// Which servers a pull may talk to: every hop of every request is judged here before a connection
// is opened, and the connection then goes to an address that was judged.
//
// A host is resolved once. If one of its addresses is not of the internet (address.h), it is
// refused unless the user named that host: as HF_ENDPOINT, in the URL to pull, or with
// --allow-host. So a redirect or a name server cannot lead into the user's own network. http is
// for named hosts of such a network only.
//
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/address.h"
#include "hub/url.h"

namespace lathe::hub {

struct NamedHost {
  std::string host;        // as Url has it
  std::uint16_t port = 0;  // 0: any
};

// "host" or "host:port", as --allow-host takes it. Error: bad_input.
Result<NamedHost> parse_named_host(std::string_view text);

class Access {
 public:
  explicit Access(std::vector<NamedHost> named) : named_(std::move(named)) {}

  // The addresses to connect to, at least one. Errors: bad_input (refused, and why), unavailable
  // (the name cannot be resolved).
  Result<std::vector<IpAddress>> admit(const Url& url);

 private:
  Result<std::vector<IpAddress>> addresses_of(const std::string& host);
  bool is_named(const Url& url) const;

  const std::vector<NamedHost> named_;
  std::mutex mutex_;  // guards known_
  std::map<std::string, std::vector<IpAddress>> known_;
};

}  // namespace lathe::hub
