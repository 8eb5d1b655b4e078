#include "hub/http_exchange.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/ascii.h"
#include "formats/foreign_text.h"

namespace lathe::hub {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kMaxRefusalBytes = 4096;
constexpr long kLowSpeedBytes = 1024;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  const std::size_t end = text.find_last_not_of(kBlank);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

long whole_seconds(double seconds) { return std::max(1L, static_cast<long>(seconds)); }

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

}  // namespace

HttpExchange::HttpExchange(Handle handle, const HttpSettings& settings, const Request& request,
                           BodyReader& reader)
    : curl_(handle.curl),
      handle_(handle.handle),
      settings_(settings),
      request_(request),
      reader_(reader) {
  head_.url = request.url;
  set_options();
  set_headers();
  pin_addresses();
}

HttpExchange::~HttpExchange() {
  curl_.slist_free_all(headers_);
  curl_.slist_free_all(pinned_);
}

void HttpExchange::set_options() {
  const auto set = [this](CURLoption option, auto value) {
    LATHE_ASSERT(curl_.easy_setopt(handle_, option, value) == CURLE_OK);
  };
  set(CURLOPT_URL, to_string(request_.url).c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);  // hops are judged one by one
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // a connection a range
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
    set(CURLOPT_CAINFO, file);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, whole_seconds(settings_.connect_seconds));
  set(CURLOPT_LOW_SPEED_LIMIT, kLowSpeedBytes);
  set(CURLOPT_LOW_SPEED_TIME, whole_seconds(settings_.stall_seconds));
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(reason_));
  set(CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &HttpExchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &HttpExchange::on_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  if (!request_.range) return;
  const std::string range = fmt::format("{}-{}", request_.range->first, request_.range->last);
  set(CURLOPT_RANGE, range.c_str());
}

void HttpExchange::set_headers() {
  const auto add = [this](const std::string& line) {
    headers_ = curl_.slist_append(headers_, line.c_str());
    LATHE_ASSERT(headers_ != nullptr);
  };
  add("User-Agent: lathe");
  add("Accept-Encoding: identity");  // lengths and ranges are those of the file
  if (request_.with_token) add("Authorization: Bearer " + settings_.token);
  LATHE_ASSERT(curl_.easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_) == CURLE_OK);
}

// libcurl asks no name server: the host stands for the judged addresses.
void HttpExchange::pin_addresses() {
  if (IpAddress::parse(request_.url.host)) return;
  std::string entry = fmt::format("{}:{}:", request_.url.host, request_.url.port);
  for (const IpAddress& address : request_.addresses) {
    if (entry.back() != ':') entry += ',';
    entry += address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  }
  pinned_ = curl_.slist_append(nullptr, entry.c_str());
  LATHE_ASSERT(pinned_ != nullptr);
  LATHE_ASSERT(curl_.easy_setopt(handle_, CURLOPT_RESOLVE, pinned_) == CURLE_OK);
}

Attempt HttpExchange::run() {
  const CURLcode code = curl_.easy_perform(handle_);
  if (!refused_.ok()) return {refused_.error()};
  if (code != CURLE_OK) return failure(code);
  if (succeeded() && !head_given_) {  // an empty body
    if (Status status = reader_.head(head_); !status.ok()) return {std::move(status)};
  }
  Attempt attempt;
  curl_off_t wait = 0;
  if (curl_.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK)
    attempt.wait_seconds = static_cast<double>(wait);
  return attempt;
}

Attempt HttpExchange::failure(CURLcode code) const {
  const std::string place = origin(request_.url);
  const char* reason = *reason_ != '\0' ? reason_ : curl_.easy_strerror(code);
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    return {Error::bad_input(fmt::format("the server's certificate is not trusted: {}", reason))
                .at(place)
                .fix_with("if it is signed by an authority of your own, name its file in "
                          "SSL_CERT_FILE")};
  if (code == CURLE_OPERATION_TIMEDOUT)
    return {Error::unavailable(fmt::format("the server does not answer or has stalled: {}", reason))
                .at(place)
                .fix_with("try again later: what came is kept"),
            true};
  if (may_pass(code))
    return {Error::unavailable(fmt::format("the connection broke: {}", reason))
                .at(place)
                .fix_with("try again: what came is kept"),
            true};
  return {Error::io(fmt::format("the server cannot be understood: {}", reason)).at(place)};
}

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  exchange.refused_ = exchange.take_header(std::string_view(data, size * count));
  return exchange.refused_.ok() ? size * count : 0;
}

std::size_t HttpExchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  exchange.refused_ = exchange.take_body(std::string_view(data, size * count));
  return exchange.refused_.ok() ? size * count : size * count + 1;  // any other number ends it
}

// The last line of defence: no connection to an address that was not judged.
curl_socket_t HttpExchange::on_socket(void* self, curlsocktype, curl_sockaddr* wanted) {
  const auto& judged = static_cast<HttpExchange*>(self)->request_.addresses;
  const auto address = IpAddress::of(&wanted->addr);
  if (!address || std::find(judged.begin(), judged.end(), *address) == judged.end())
    return CURL_SOCKET_BAD;
  return ::socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
}

Status HttpExchange::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes)
    return Error::limit(
               fmt::format("the server sends more than {} bytes of headers", kMaxHeaderBytes))
        .at(origin(request_.url));
  if (line.starts_with("HTTP/")) {
    head_.fields.clear();  // the answer after a 1xx
    curl_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &head_.status);
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string name = in_lower_case(trimmed(line.substr(0, colon)));
  const std::string value(trimmed(line.substr(colon + 1)));
  const auto [place, added] = head_.fields.emplace(name, value);
  const bool matters =
      name == "location" || name == "content-range" || name == "content-length" || name == "etag";
  if (!added && matters && place->second != value)
    return Error::bad_input(
               fmt::format("the server sends two headers {}", formats::in_quotes(name)))
        .at(origin(request_.url));
  return {};
}

Status HttpExchange::take_body(std::string_view bytes) {
  if (!succeeded()) {
    refusal_ += bytes.substr(0, kMaxRefusalBytes - std::min(kMaxRefusalBytes, refusal_.size()));
    return {};
  }
  if (!head_given_) LATHE_CHECK(reader_.head(head_));
  head_given_ = true;
  return reader_.body(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

}  // namespace lathe::hub
