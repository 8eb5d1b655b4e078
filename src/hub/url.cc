#include "hub/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/ascii.h"
#include "formats/foreign_text.h"
#include "hub/address.h"

namespace lathe::hub {
namespace {

using formats::in_quotes;

constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::uint16_t usual_port(Url::Scheme scheme) { return scheme == Url::Scheme::https ? 443 : 80; }

Error wrong(std::string what, std::string_view text) {
  return Error::bad_input(std::move(what)).at("the URL " + in_quotes(text));
}

// Printable ASCII without what RFC 3986 never allows, and whole escapes.
Status check_characters(std::string_view text) {
  constexpr std::string_view kNever = "\"<>\\^`{|}";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= ' ' || c == 0x7f)
      return wrong(static_cast<unsigned char>(c) < 0x80
                       ? "a space or control character stands in it"
                       : "a character beyond ASCII stands in it; write it percent-encoded",
                   text);
    if (kNever.find(c) != std::string_view::npos)
      return wrong(fmt::format("{} cannot stand in it", in_quotes(std::string(1, c))), text);
    const bool whole = i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (c == '%' && !whole) return wrong("% is not followed by two hexadecimal digits", text);
    if (c == '%' && text.substr(i + 1, 2) == "00") return wrong("it holds an encoded NUL", text);
  }
  return {};
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; });
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

// "0x7f.1", "2130706433" and "127.1" are addresses to some resolvers and names to others.
bool ends_in_number(std::string_view label) {
  if (label.empty()) return false;
  return std::all_of(label.begin(), label.end(), is_digit) || label.starts_with("0x") ||
         label.starts_with("0X");
}

Result<std::string> read_name(std::string_view host, std::string_view text) {
  if (host.empty()) return wrong("it names no host", text);
  if (host.size() > kMaxHostBytes) return wrong("its host is too long", text);
  const std::vector<std::string_view> labels = split(host, '.');
  for (const std::string_view label : labels) {
    if (!is_label(label)) return wrong(fmt::format("{} cannot be a host", in_quotes(host)), text);
  }
  if (ends_in_number(labels.back())) {
    const auto address = IpAddress::parse(host);
    if (!address) return wrong(fmt::format("{} is no IPv4 address", in_quotes(host)), text);
  }
  return in_lower_case(host);
}

Result<std::string> read_ipv6(std::string_view host, std::string_view text) {
  const auto address = IpAddress::parse(host);
  if (!address || address->is_v4())
    return wrong(fmt::format("{} is no IPv6 address", in_quotes(host)), text);
  return address->to_string();
}

Result<std::uint16_t> read_port(std::string_view digits, std::string_view text) {
  unsigned port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = code == std::errc() && end == digits.data() + digits.size();
  if (!whole || digits.size() > 5 || port == 0 || port > 65535)
    return wrong(fmt::format("{} is no port", in_quotes(digits)), text);
  return static_cast<std::uint16_t>(port);
}

// What stands between "//" and the path.
Status read_authority(std::string_view authority, std::string_view text, Url& url) {
  if (authority.find('@') != std::string_view::npos)
    return wrong("it holds a user name or password", text)
        .fix_with("give the token in HF_TOKEN instead");
  std::string_view host = authority;
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return wrong("its [ is not closed", text);
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    has_port = !port.empty();
    if (has_port && port.front() != ':') return wrong("something follows the address", text);
    if (has_port) port.remove_prefix(1);
    LATHE_TRY(url.host, read_ipv6(host, text));
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
    LATHE_TRY(url.host, read_name(host, text));
  }
  url.port = usual_port(url.scheme);
  if (!has_port) return {};
  LATHE_TRY(url.port, read_port(port, text));
  return {};
}

bool is_dot(std::string_view part) { return part == "." || in_lower_case(part) == "%2e"; }

bool is_dot_dot(std::string_view part) {
  const std::string plain = in_lower_case(part);
  return plain == ".." || plain == "%2e." || plain == ".%2e" || plain == "%2e%2e";
}

// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  std::vector<std::string_view> parts = split(path.substr(1), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    if (is_dot_dot(parts[i])) {
      if (!kept.empty()) kept.pop_back();
      if (last) kept.emplace_back();
    } else if (is_dot(parts[i])) {
      if (last) kept.emplace_back();
    } else {
      kept.push_back(parts[i]);
    }
  }
  std::string out;
  for (const std::string_view part : kept) out += "/" + std::string(part);
  return out.empty() ? "/" : out;
}

void read_path_and_query(std::string_view rest, Url& url) {
  const std::size_t mark = rest.find('?');
  url.query = mark == std::string_view::npos ? "" : std::string(rest.substr(mark + 1));
  const std::string_view path = rest.substr(0, mark);
  url.path = path.empty() ? "/" : without_dots(path);
}

Result<Url::Scheme> read_scheme(std::string_view scheme, std::string_view text) {
  const std::string name = in_lower_case(scheme);
  if (name == "https") return Url::Scheme::https;
  if (name == "http") return Url::Scheme::http;
  return wrong(fmt::format("its scheme is {}; https is what can be fetched", in_quotes(name)),
               text);
}

// The scheme of a whole URL; empty for a relative one.
std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return {};
  const std::string_view scheme = text.substr(0, colon);
  const bool plain = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  return plain ? scheme : std::string_view();
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes)
    return wrong(fmt::format("it has {} bytes; at most {} are taken", text.size(), kMaxUrlBytes),
                 text);
  LATHE_CHECK(check_characters(text));
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return wrong("it does not begin with https://", text);
  Url url;
  LATHE_TRY(url.scheme, read_scheme(text.substr(0, mark), text));
  std::string_view rest = text.substr(mark + 3);
  if (rest.find('#') != std::string_view::npos)
    return wrong("it has a fragment (#…), which no server sees", text).fix_with("leave it out");
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  LATHE_CHECK(read_authority(rest.substr(0, end), text, url));
  read_path_and_query(rest.substr(end), url);
  return url;
}

Result<Url> resolve(const Url& base, std::string_view location) {
  location = location.substr(0, location.find('#'));
  if (!scheme_of(location).empty()) return parse_url(location);
  const std::string scheme = base.scheme == Url::Scheme::https ? "https" : "http";
  if (location.starts_with("//")) return parse_url(scheme + ":" + std::string(location));
  if (location.starts_with("/")) return parse_url(origin(base) + std::string(location));
  if (location.empty()) return base;
  if (location.starts_with("?")) return parse_url(origin(base) + base.path + std::string(location));
  const std::string folder = base.path.substr(0, base.path.rfind('/') + 1);
  return parse_url(origin(base) + folder + std::string(location));
}

std::string origin(const Url& url) {
  const char* scheme = url.scheme == Url::Scheme::https ? "https" : "http";
  const bool v6 = url.host.find(':') != std::string::npos;
  std::string text = fmt::format("{}://{}{}{}", scheme, v6 ? "[" : "", url.host, v6 ? "]" : "");
  if (url.port != usual_port(url.scheme)) text += fmt::format(":{}", url.port);
  return text;
}

std::string to_string(const Url& url) {
  return origin(url) + url.path + (url.query.empty() ? "" : "?" + url.query);
}

namespace {

std::string encode(std::string_view text, std::string_view kept) {
  std::string out;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::string encode_segment(std::string_view text) { return encode(text, "-._~"); }
std::string encode_path(std::string_view text) { return encode(text, "-._~/"); }

Result<std::string> decode_path(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || code != std::errc() || end != digits.data() + 2)
      return wrong("% is not followed by two hexadecimal digits", text);
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

}  // namespace lathe::hub
