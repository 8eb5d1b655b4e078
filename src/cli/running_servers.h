// Which servers run on a home: `serve` leaves a note with its address in HOME/servers/, and `ps`
// asks whoever is there. A note of a server that died is passed over and removed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/home.h"

namespace lathe::cli {

struct RunningServer {
  int process = 0;
  std::string url;  // "http://127.0.0.1:8080"
};

// The note of this process, until it goes.
class ServerNote {
 public:
  static Result<ServerNote> leave(const store::Home& home, const std::string& url);
  ServerNote(ServerNote&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ServerNote& operator=(ServerNote&&) = delete;
  ~ServerNote();

 private:
  explicit ServerNote(os::Path path) : path_(std::move(path)) {}
  os::Path path_;
};

std::vector<RunningServer> running_servers(const store::Home& home);

// Names of the deployments whose model a server has in memory, by GET /v1/deployments. Errors:
// unavailable (nobody answers within two seconds), bad_input (the answer is not what it should be).
Result<std::vector<std::string>> loaded_deployments(const RunningServer& server);

}  // namespace lathe::cli
