// One HTTP request and one response as plain values: what endpoints see, free of any HTTP library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string id;      // made by the server; x-request-id of the response
  std::string method;  // as sent: "GET"
  std::string target;  // as sent, percent-encoded: "/v1/models/a%2Fb?x=1"
  Headers headers;
  std::string body;  // whole, within the server's bound

  // The target without its query.
  std::string_view path() const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;  // more of them; no line breaks in values
};

// The first value of a header, its name in any case; empty when it is absent.
std::string_view find_header(const Headers& headers, std::string_view name);

// ASCII, in any case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// "application/json; charset=utf-8" is of the type "application/json".
bool is_media_type(std::string_view content_type, std::string_view type);

// "Not Found".
const char* reason_phrase(int status);

}  // namespace lathe::server
