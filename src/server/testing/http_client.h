// A blocking HTTP client for tests, on a raw loopback socket, so that tests can send what a proper
// client would not. Every wait has a bound. Not thread-safe.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/http_message.h"

namespace lathe::server::testing {

inline constexpr auto kPatience = std::chrono::seconds(20);

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;                 // of all chunks
  std::vector<std::string> chunks;  // of a chunked body
  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool connected() const { return connected_; }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Reads until text has come, and gives everything before its end; nothing when the server closes
  // or patience ends first.
  std::optional<std::string> read_until(std::string_view text) {
    std::size_t found;
    while ((found = input_.find(text)) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    return take(found + text.size());
  }

  // The next response, read by its own framing.
  std::optional<Reply> read_reply(bool has_body = true) {
    auto reply = read_head();
    if (!reply || !has_body) return reply;
    if (equal_ignoring_case(reply->header("Transfer-Encoding"), "chunked")) {
      while (auto chunk = read_chunk()) {
        if (chunk->empty()) return reply;
        reply->body += *chunk;
        reply->chunks.push_back(std::move(*chunk));
      }
      return std::nullopt;
    }
    const std::string_view length = reply->header("Content-Length");
    if (length.empty()) {
      reply->body = read_to_end();
      return reply;
    }
    const std::size_t wanted = std::stoul(std::string(length));
    while (input_.size() < wanted) {
      if (!receive()) return std::nullopt;
    }
    reply->body = take(wanted);
    return reply;
  }

  std::optional<Reply> read_head() {
    auto head = read_until("\r\n\r\n");
    if (!head) return std::nullopt;
    Reply reply;
    if (std::sscanf(head->c_str(), "HTTP/1.1 %d ", &reply.status) != 1) return std::nullopt;
    std::size_t at = head->find("\r\n") + 2;
    for (std::size_t end; (end = head->find("\r\n", at)) != at; at = end + 2) {
      const std::string line = head->substr(at, end - at);
      const std::size_t colon = line.find(": ");
      reply.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return reply;
  }

  // One chunk; an empty one is the last. Nothing when the connection ends before.
  std::optional<std::string> read_chunk() {
    auto size_line = read_until("\r\n");
    if (!size_line) return std::nullopt;
    const std::size_t size = std::stoul(*size_line, nullptr, 16);
    while (input_.size() < size + 2) {
      if (!receive()) return std::nullopt;
    }
    std::string chunk = take(size);
    take(2);
    return chunk;
  }

  std::string read_to_end() {
    while (receive()) {
    }
    return take(input_.size());
  }

  // Waits for the server to close; what comes before is thrown away.
  bool closed_by_server() {
    while (receive()) {
    }
    return ended_;
  }

  std::optional<Reply> exchange(std::string_view request) {
    if (!send(request)) return std::nullopt;
    return read_reply();
  }

  std::optional<Reply> get(const std::string& target) {
    return exchange("GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n");
  }

  std::optional<Reply> post(const std::string& target, const std::string& body) {
    return exchange(post_bytes(target, body));
  }

  static std::string post_bytes(const std::string& target, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  std::string take(std::size_t bytes) {
    std::string taken = input_.substr(0, bytes);
    input_.erase(0, bytes);
    return taken;
  }

  bool receive() {
    pollfd wait{socket_, POLLIN, 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
    if (::poll(&wait, 1, static_cast<int>(patience)) != 1) return false;
    char buffer[16384];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    input_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

// Waits, within patience, for something that another thread will make true.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace lathe::server::testing
