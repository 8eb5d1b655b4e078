// docs/openapi.yaml is the contract: every route of the server is in it, and the other way round.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "server/routes.h"
#include "server/testing/fake_backend.h"

namespace lathe::server {
namespace {

// "GET /v1/models" for each operation. The file's own style makes this easy: below "paths:", a
// path is indented by two spaces and a method by four.
std::set<std::string> operations_of_contract() {
  std::ifstream file(LATHE_SOURCE_DIR "/docs/openapi.yaml");
  std::set<std::string> operations;
  bool in_paths = false;
  std::string path;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != ' ' && line[0] != '#') in_paths = line == "paths:";
    if (!in_paths || line.empty() || line.back() != ':') continue;
    const std::size_t indent = line.find_first_not_of(' ');
    const std::string key = line.substr(indent, line.size() - indent - 1);
    if (indent == 2) path = key;
    if (indent != 4) continue;
    for (const auto& [lower, upper] :
         {std::pair("get", "GET"), std::pair("post", "POST"), std::pair("put", "PUT"),
          std::pair("patch", "PATCH"), std::pair("delete", "DELETE")}) {
      if (key == lower) operations.insert(std::string(upper) + " " + path);
    }
  }
  return operations;
}

TEST(OpenApi, DescribesExactlyTheRoutes) {
  testing::FakeBackend backend;
  Metrics metrics;
  os::SystemClock clock;
  HttpStats stats;
  Router router;
  add_routes(router, {backend, metrics, clock}, stats);
  std::set<std::string> routes;
  for (const auto& route : router.routes()) routes.insert(route.method + " " + route.pattern);
  EXPECT_GE(routes.size(), 10u);
  EXPECT_EQ(routes, operations_of_contract());
}

}  // namespace
}  // namespace lathe::server
