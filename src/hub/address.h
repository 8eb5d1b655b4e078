// IP addresses, and which of them are out on the internet: a server must not be able to send a pull
// to the user's own machine or network by a redirect or a name that resolves there.
//
// Immutable data and pure functions. Source: the special-purpose registries of IANA (RFC 6890 and
// its updates), RFC 4291, RFC 6598, RFC 6052.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace lathe::hub {

class IpAddress {
 public:
  // Dotted quads without leading zeros, and IPv6 without brackets or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  // Nothing for other families than IPv4 and IPv6.
  static std::optional<IpAddress> of(const sockaddr* address);

  bool is_v4() const { return v4_; }
  std::string to_string() const;

  // Whether it is a unicast address of the internet. Not: loopback, private (RFC 1918, ULA),
  // link-local, carrier-grade NAT, documentation, multicast, reserved. IPv6 that carries an IPv4
  // address (mapped, NAT64) is what that one is; 6to4 and Teredo, which tunnel to one, are refused.
  bool is_public() const;

  bool operator==(const IpAddress&) const = default;

 private:
  bool v4_ = false;
  std::array<std::uint8_t, 16> bytes_ = {};  // the first 4 for IPv4
};

}  // namespace lathe::hub
