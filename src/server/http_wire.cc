#include "server/http_wire.h"

#include <fmt/format.h>

#include <ctime>
#include <iterator>

#include "base/result.h"

namespace lathe::server {
namespace {

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (value.find_first_of("\r\n") != std::string_view::npos) return;
  fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
}

}  // namespace

std::string http_date(std::int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string head_bytes(const ResponseHead& head) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", head.status, reason_phrase(head.status));
  append_header(out, "Date", http_date(head.unix_seconds));
  append_header(out, "Server", "lathe");
  append_header(out, "Content-Type", head.content_type);
  if (head.content_length) {
    append_header(out, "Content-Length", std::to_string(*head.content_length));
  } else if (head.chunked) {
    append_header(out, "Transfer-Encoding", "chunked");
  }
  append_header(out, "Connection", head.keep_alive ? "keep-alive" : "close");
  if (!head.request_id.empty()) append_header(out, "x-request-id", head.request_id);
  if (head.more) {
    for (const auto& [name, value] : *head.more) append_header(out, name, value);
  }
  return out.append("\r\n");
}

std::string chunk_bytes(std::string_view data) {
  LATHE_ASSERT(!data.empty());
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

std::string last_chunk_bytes() { return "0\r\n\r\n"; }

}  // namespace lathe::server
