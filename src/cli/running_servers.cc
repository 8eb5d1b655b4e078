#include "cli/running_servers.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using nlohmann::json;

constexpr auto kPatience = std::chrono::seconds(2);
constexpr std::uint64_t kMaxNoteBytes = 64 << 10;

os::Path notes_of(const store::Home& home) { return home.folder() / "servers"; }

bool is_alive(int process) { return ::kill(process, 0) == 0 || errno == EPERM; }

struct Address {
  std::string host;
  std::string port;
};

// Of "http://127.0.0.1:8080" and "http://[::1]:8080".
Result<Address> address_of(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t colon = url.rfind(':');
  if (!url.starts_with(kScheme) || colon == std::string::npos || colon < kScheme.size()) {
    return Error::bad_input("this is no address of a server").at(url);
  }
  std::string host = url.substr(kScheme.size(), colon - kScheme.size());
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  if (host == "0.0.0.0") host = "127.0.0.1";  // it listens everywhere
  if (host == "::") host = "::1";
  return Address{host, url.substr(colon + 1)};
}

// One GET. The asynchronous calls are there for their time limit; one runs after the other.
class Get {
 public:
  Result<std::string> run(const Address& address, const std::string& target) {
    boost::system::error_code code;
    const auto ip =
        asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, code);
    if (code) return Error::bad_input("this is no IP address").at(address.host);
    const int port = std::atoi(address.port.c_str());
    const asio::ip::tcp::endpoint endpoint(ip, static_cast<std::uint16_t>(port));
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, address.host);
    request.set(http::field::connection, "close");
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    stream_.expires_after(kPatience);
    stream_.async_connect(endpoint, [&](boost::system::error_code failed) {
      if (failed) return void(code = failed);
      http::async_write(stream_, request, [&](boost::system::error_code wrong, std::size_t) {
        if (wrong) return void(code = wrong);
        http::async_read(stream_, buffer, response,
                         [&](boost::system::error_code broken, std::size_t) { code = broken; });
      });
    });
    context_.run();
    if (code) return Error::unavailable("the server does not answer: " + code.message());
    if (response.result() != http::status::ok) {
      return Error::unavailable(fmt::format("the server answers {}", response.result_int()));
    }
    return response.body();
  }

 private:
  asio::io_context context_;
  beast::tcp_stream stream_{context_};
};

}  // namespace

Result<ServerNote> ServerNote::leave(const store::Home& home, const std::string& url) {
  LATHE_CHECK(os::make_directories(notes_of(home)));
  os::Path path = notes_of(home) / fmt::format("{}.json", ::getpid());
  const json note = {{"process", ::getpid()}, {"url", url}};
  LATHE_CHECK(os::write_file_atomically(path, note.dump() + "\n"));
  return ServerNote(std::move(path));
}

ServerNote::~ServerNote() {
  std::error_code ignored;  // it is passed over once this process is gone
  if (!path_.empty()) fs::remove(path_, ignored);
}

std::vector<RunningServer> running_servers(const store::Home& home) {
  std::vector<RunningServer> servers;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(notes_of(home), code)) {
    if (entry.path().extension() != ".json") continue;
    const auto text = os::read_file(entry.path(), kMaxNoteBytes);
    if (!text.ok()) continue;
    const json note = json::parse(*text, nullptr, false);
    if (!note.is_object() || !note.contains("process") || !note.contains("url")) continue;
    if (!note["process"].is_number_integer() || !note["url"].is_string()) continue;
    RunningServer server{note["process"].get<int>(), note["url"].get<std::string>()};
    if (is_alive(server.process)) {
      servers.push_back(std::move(server));
    } else {
      std::error_code ignored;
      fs::remove(entry.path(), ignored);
    }
  }
  return servers;
}

Result<std::vector<std::string>> loaded_deployments(const RunningServer& server) {
  LATHE_TRY(const Address address, address_of(server.url));
  LATHE_TRY(const std::string body, Get().run(address, "/v1/deployments").at(server.url));
  const json answer = json::parse(body, nullptr, false);
  std::vector<std::string> names;
  try {
    for (const json& deployment : answer.at("data")) {
      if (deployment.at("loaded").get<bool>()) {
        names.push_back(deployment.at("name").get<std::string>());
      }
    }
  } catch (const json::exception& wrong) {
    return Error::bad_input(fmt::format("this is no list of deployments: {}", wrong.what()))
        .at(server.url);
  }
  return names;
}

}  // namespace lathe::cli
