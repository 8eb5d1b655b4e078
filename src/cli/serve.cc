// lathe serve: the OpenAI-compatible endpoint over the local store.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/kv_type.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "cli/running_servers.h"
#include "host/local_backend.h"
#include "os/thread_pool.h"
#include "server/server.h"
#include "server/stop_signals.h"

namespace lathe::cli {
namespace {

struct ServeOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  double idle = 300;
  kernels::KvType kv_type = kernels::KvType::f16;
};

// What a program that starts the server reads: where it is.
void tell(const std::string& url, bool json) {
  if (json) {
    print_json({{"url", url}, {"process", ::getpid()}});
  } else {
    fmt::print("lathe answers at {}/v1; Ctrl-C stops it\n", url);
  }
  std::fflush(stdout);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status run_serve(const ServeOptions& options, const Common& common) {
  LATHE_TRY(server::StopSignals stop, server::StopSignals::install());  // before any thread
  LATHE_TRY(LocalStore store, open_store(common));
  const store::Home home = store.home;
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  host::LocalBackendOptions backend_options;
  backend_options.models.idle_seconds = options.idle;
  backend_options.models.engine.kv_type = options.kv_type;
  host::LocalBackend backend(std::move(store), backend_options, pool, clock);
  server::ServerOptions server_options;
  server_options.http.host = options.host;
  server_options.http.port = options.port;
  LATHE_TRY(const auto server, server::Server::start(backend, server_options, clock));
  LATHE_TRY(const ServerNote note, ServerNote::leave(home, server->url()));
  if (!is_loopback(options.host)) {
    log::warning("whoever reaches {} can use it: there are no keys yet", options.host);
  }
  tell(server->url(), common.json);
  stop.wait();
  log::info("stopping: requests in flight are answered first");
  const std::size_t cancelled = server->drain();
  if (cancelled > 0) log::warning("{} requests were cancelled", cancelled);
  return {};
}

}  // namespace

Action add_serve(CLI::App& program, const Common& common) {
  auto options = make_options<ServeOptions>();
  CLI::App* command = program.add_subcommand(
      "serve", "answer HTTP requests as OpenAI's API does, for every model and deployment");
  command->add_option("--host", options->host, "address to listen on")->capture_default_str();
  command->add_option("--port", options->port, "port to listen on; 0: any free one")
      ->capture_default_str();
  command->add_option("--idle", options->idle, "seconds after which an unused model is let go")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_kv_type(*command, options->kv_type);
  command->footer(
      "example: lathe serve --port 8080\n"
      "         curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' "
      "\\\n"
      "           -d '{\"model\": \"starter\", \"messages\": [{\"role\": \"user\", \"content\": "
      "\"Hello\"}]}'");
  return [options, &common] { return run_serve(*options, common); };
}

}  // namespace lathe::cli
