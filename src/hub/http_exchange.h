// One request and its answer without redirects: libcurl with every option that matters set in one
// place. Internal to src/hub.
#pragma once

#include <vector>

#include "hub/http_client.h"
#include "hub/libcurl.h"

namespace lathe::hub {

class HttpExchange {
 public:
  struct Request {
    const Url& url;
    const std::vector<IpAddress>& addresses;  // those that may be connected to
    std::optional<ByteRange> range;
    bool with_token = false;
  };

  // A handle of libcurl's, reset.
  struct Handle {
    const LibCurl& curl;
    CURL* handle;
  };

  // reader gets the body of a 200 or 206. All outlive the object.
  HttpExchange(Handle handle, const HttpSettings& settings, const Request& request,
               BodyReader& reader);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  ~HttpExchange();

  // Runs it. ok for every answer that came whole, a refusal of the server included: see head().
  Attempt run();

  const ResponseHead& head() const { return head_; }
  // The beginning of the body of an answer that is neither 200 nor 206.
  const std::string& refusal() const { return refusal_; }

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  void set_options();
  void set_headers();
  void pin_addresses();
  Status take_header(std::string_view line);
  Status take_body(std::string_view bytes);
  bool succeeded() const { return head_.status == 200 || head_.status == 206; }
  Attempt failure(CURLcode code) const;

  const LibCurl& curl_;
  CURL* handle_;
  const HttpSettings& settings_;
  Request request_;
  BodyReader& reader_;
  ResponseHead head_;
  std::string refusal_;
  std::size_t header_bytes_ = 0;
  bool head_given_ = false;
  Status refused_;  // by us, while it ran
  curl_slist* headers_ = nullptr;
  curl_slist* pinned_ = nullptr;
  char reason_[CURL_ERROR_SIZE] = {};
};

}  // namespace lathe::hub
