// lathe logs: the requests that were answered, newest last.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"

namespace lathe::cli {
namespace {

struct LogsOptions {
  std::string name;
  std::size_t count = 20;
};

constexpr std::size_t kMaxCount = 100'000;

Status run_logs(const LogsOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  store::RequestQuery query;
  query.limit = options.count;
  if (!options.name.empty()) {
    LATHE_CHECK(store.catalogue.deployment(options.name));
    query.deployment = options.name;
  }
  LATHE_TRY(auto requests, store.catalogue.requests(query));
  std::reverse(requests.begin(), requests.end());
  if (common.json) {
    auto data = nlohmann::json::array();
    for (const store::RequestRecord& request : requests) data.push_back(to_json(request));
    print_json(data);
    return {};
  }
  Table table({"STARTED", "REFERENCE", "VERSION", "STATUS", "PROMPT", "ANSWER", "LATENCY", "LOAD"});
  for (const store::RequestRecord& request : requests) {
    table.add({human_time(request.started), shortened(request.reference, 40),
               request.version > 0 ? std::to_string(request.version) : "-",
               std::to_string(request.status), std::to_string(request.prompt_tokens),
               std::to_string(request.completion_tokens),
               fmt::format("{:.0f} ms", request.latency_ms),
               request.load_ms > 0 ? fmt::format("{:.0f} ms", request.load_ms) : "-"});
  }
  table.print("there are no requests yet");
  return {};
}

}  // namespace

Action add_logs(CLI::App& program, const Common& common) {
  auto options = make_options<LogsOptions>();
  CLI::App* command = program.add_subcommand("logs", "the requests that were answered");
  command->add_option("NAME", options->name, "of one deployment (default: all)");
  command->add_option("-n,--count", options->count, "the newest so many")
      ->check(CLI::Range(std::size_t{1}, kMaxCount))
      ->capture_default_str();
  command->footer("example: lathe logs helpdesk -n 50");
  return [options, &common] { return run_logs(*options, common); };
}

}  // namespace lathe::cli
