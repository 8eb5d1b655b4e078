#include "hub/access.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace lathe::hub {
namespace {

Result<std::vector<IpAddress>> look_up(const std::string& host) {
  if (const auto literal = IpAddress::parse(host)) return std::vector{*literal};
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  if (code != 0)
    return Error::unavailable(fmt::format("the name cannot be resolved: {}", ::gai_strerror(code)))
        .at(host)
        .fix_with("check the name and the network connection");
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = IpAddress::of(entry->ai_addr);
    const bool known =
        address && std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
    if (address && !known) addresses.push_back(*address);
  }
  if (addresses.empty()) return Error::unavailable("the name has no address").at(host);
  return addresses;
}

bool is_private(const IpAddress& address) { return !address.is_public(); }

}  // namespace

Result<NamedHost> parse_named_host(std::string_view text) {
  const auto url = parse_url("https://" + std::string(text) + "/");
  const bool bare = text.find_first_of("/?") == std::string_view::npos;
  if (!url.ok() || !bare)
    return Error::bad_input("this is no host or host:port").at(std::string(text));
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with("]");
  return NamedHost{url->host, has_port ? url->port : std::uint16_t{0}};
}

Result<std::vector<IpAddress>> Access::addresses_of(const std::string& host) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(host);
  if (known != known_.end()) return known->second;
  LATHE_TRY(std::vector<IpAddress> addresses, look_up(host));
  return known_.emplace(host, std::move(addresses)).first->second;
}

bool Access::is_named(const Url& url) const {
  return std::any_of(named_.begin(), named_.end(), [&](const NamedHost& named) {
    return named.host == url.host && (named.port == 0 || named.port == url.port);
  });
}

Result<std::vector<IpAddress>> Access::admit(const Url& url) {
  const bool named = is_named(url);
  LATHE_TRY(std::vector<IpAddress> addresses, addresses_of(url.host));
  const auto found = std::find_if(addresses.begin(), addresses.end(), is_private);
  if (found != addresses.end() && !named)
    return Error::bad_input(fmt::format("the server has the address {}, which is not of the "
                                        "internet, and nobody named it",
                                        found->to_string()))
        .at(origin(url))
        .fix_with(fmt::format("if you trust it, add --allow-host {}:{}", url.host, url.port));
  const bool all_private = std::all_of(addresses.begin(), addresses.end(), is_private);
  if (url.scheme == Url::Scheme::http && !all_private)
    return Error::bad_input("http is not encrypted; it is for servers of your own network")
        .at(origin(url))
        .fix_with("use https");
  return addresses;
}

}  // namespace lathe::hub
