// lathe ps: deployments, the versions in charge, and what running servers have in memory.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "cli/running_servers.h"

namespace lathe::cli {
namespace {

// A server with what it said when asked.
struct AskedServer {
  RunningServer server;
  Result<std::vector<std::string>> loaded;
};

std::vector<AskedServer> ask_servers(const store::Home& home) {
  std::vector<AskedServer> asked;
  for (RunningServer& server : running_servers(home)) {
    auto loaded = loaded_deployments(server);
    asked.push_back({std::move(server), std::move(loaded)});
  }
  return asked;
}

std::size_t servers_with(const std::vector<AskedServer>& servers, const std::string& deployment) {
  return static_cast<std::size_t>(
      std::count_if(servers.begin(), servers.end(), [&](const AskedServer& asked) {
        return asked.loaded.ok() && std::find(asked.loaded->begin(), asked.loaded->end(),
                                              deployment) != asked.loaded->end();
      }));
}

nlohmann::json running_json(const std::vector<AskedServer>& servers) {
  auto data = nlohmann::json::array();
  for (const AskedServer& asked : servers) {
    nlohmann::json server = {{"process", asked.server.process}, {"url", asked.server.url}};
    server["answers"] = asked.loaded.ok();
    server["loaded"] = asked.loaded.ok() ? *asked.loaded : std::vector<std::string>();
    data.push_back(server);
  }
  return data;
}

void print_servers(const std::vector<AskedServer>& servers) {
  if (servers.empty()) {
    fmt::print("\nno server is running; lathe serve starts one\n");
    return;
  }
  fmt::print("\n");
  for (const AskedServer& asked : servers) {
    if (asked.loaded.ok()) {
      fmt::print("server {} (process {})\n", asked.server.url, asked.server.process);
    } else {
      fmt::print("server {} (process {}): {}\n", asked.server.url, asked.server.process,
                 asked.loaded.error().message());
    }
  }
}

struct Line {
  store::DeploymentRecord deployment;
  std::string reference;
  store::RequestSummary requests;
  std::size_t loaded = 0;
};

Result<std::vector<Line>> lines_of(LocalStore& store, const std::vector<AskedServer>& servers) {
  LATHE_TRY(const auto deployments, store.catalogue.deployments());
  std::vector<Line> lines;
  for (const store::DeploymentRecord& deployment : deployments) {
    Line line{deployment, {}, {}, servers_with(servers, deployment.name)};
    LATHE_TRY(const auto found, store.catalogue.resolve(deployment.name));
    line.reference = found.canonical();
    LATHE_TRY(line.requests, store.catalogue.request_summary(deployment.name));
    lines.push_back(std::move(line));
  }
  return lines;
}

nlohmann::json running_json(const Line& line) {
  return {{"name", line.deployment.name},
          {"version", line.deployment.current_version},
          {"versions", line.deployment.versions},
          {"reference", line.reference},
          {"loaded", line.loaded},
          {"requests", line.requests.requests},
          {"failures", line.requests.failures},
          {"mean_latency_ms", line.requests.mean_latency_ms},
          {"created", line.deployment.created},
          {"changed", line.deployment.changed}};
}

Status list_ps(const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  const std::vector<AskedServer> servers = ask_servers(store.home);
  LATHE_TRY(const std::vector<Line> lines, lines_of(store, servers));
  if (common.json) {
    auto data = nlohmann::json::array();
    for (const Line& line : lines) data.push_back(running_json(line));
    print_json({{"deployments", data}, {"servers", running_json(servers)}});
    return {};
  }
  Table table(
      {"DEPLOYMENT", "VERSION", "ANSWERS WITH", "LOADED", "REQUESTS", "FAILED", "MEAN", "CHANGED"});
  for (const Line& line : lines) {
    table.add(
        {line.deployment.name,
         fmt::format("{} of {}", line.deployment.current_version, line.deployment.versions),
         line.reference, line.loaded > 0 ? "yes" : "no", std::to_string(line.requests.requests),
         std::to_string(line.requests.failures),
         line.requests.requests > 0 ? fmt::format("{:.0f} ms", line.requests.mean_latency_ms) : "-",
         human_time(line.deployment.changed)});
  }
  table.print("nothing is deployed yet; lathe deploy NAME REF does");
  print_servers(servers);
  return {};
}

Status show_ps(const std::string& name, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto deployment, store.catalogue.deployment(name));
  LATHE_TRY(const auto versions, store.catalogue.versions(name));
  LATHE_TRY(const auto revisions, store.catalogue.revisions(name));
  if (common.json) {
    auto version_data = nlohmann::json::array();
    for (const auto& version : versions) {
      version_data.push_back(to_json(version, version.version == deployment.current_version));
    }
    auto revision_data = nlohmann::json::array();
    for (const auto& revision : revisions) revision_data.push_back(to_json(revision));
    print_json({{"name", name},
                {"version", deployment.current_version},
                {"versions", version_data},
                {"revisions", revision_data}});
    return {};
  }
  Table table({"VERSION", "ANSWERS WITH", "IN CHARGE", "CREATED"});
  for (const auto& version : versions) {
    table.add({std::to_string(version.version), version.reference,
               version.version == deployment.current_version ? "yes" : "",
               human_time(version.created)});
  }
  table.print("there are no versions");
  fmt::print("\n");
  for (const auto& revision : revisions) {
    fmt::print("{}  {}\n", human_time(revision.created), revision.what);
  }
  return {};
}

}  // namespace

Action add_ps(CLI::App& program, const Common& common) {
  auto name = make_options<std::string>();
  CLI::App* command =
      program.add_subcommand("ps", "deployments, the versions in charge, and what is in memory");
  command->add_option("NAME", *name, "one deployment: its versions and what changed when");
  command->footer("examples: lathe ps\n          lathe ps helpdesk");
  return [name, &common] { return name->empty() ? list_ps(common) : show_ps(*name, common); };
}

}  // namespace lathe::cli
