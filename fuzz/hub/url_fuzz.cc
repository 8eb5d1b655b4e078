// Any text as a URL, as a redirect's Location and as what is to be pulled: refused, or a URL that
// is written and read back as the same one, whose host is what it seems.
#include <cstdint>
#include <cstdlib>

#include "hub/address.h"
#include "hub/target.h"
#include "hub/url.h"

using namespace lathe::hub;

namespace {

void check(const Url& url) {
  const auto back = parse_url(to_string(url));
  if (!back.ok() || *back != url || url.port == 0 || url.path.empty()) std::abort();
  if (url.host.find_first_of("@/\\ \r\n?#") != std::string::npos) std::abort();
  if (const auto address = IpAddress::parse(url.host)) (void)address->is_public();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const Url base = parse_url("https://hub.example:8443/a/b?c").value();
  if (const auto url = parse_url(text); url.ok()) check(*url);
  if (const auto url = resolve(base, text); url.ok()) check(*url);
  if (const auto target = parse_target(text, base); target.ok()) (void)default_name(*target);
  if (parse_url("https://x/" + encode_segment(text)).ok()) {
    if (decode_path(encode_segment(text)).value() != text) std::abort();
  }
  return 0;
}
