// lathe pull: a model from the Hub, a URL or a path into the local store.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/byte_rate.h"
#include "cli/commands.h"
#include "cli/import.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "host/model_pull.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

constexpr const char* kHub = "https://huggingface.co";

struct PullOptions {
  std::string what;
  std::vector<std::string> hosts;
  std::string quantize;
  bool no_certificate = false;
  host::PullOptions pull;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<std::string> read_token() {
  std::string token = environment("HF_TOKEN");
  const bool plain =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (plain && token.size() <= 1024) return token;
  return Error::bad_input("it holds spaces or other characters that no token has").at("HF_TOKEN");
}

Result<hub::Url> read_endpoint() {
  const std::string named = environment("HF_ENDPOINT");
  return hub::parse_url(named.empty() ? kHub : named).at("HF_ENDPOINT");
}

hub::NamedHost named(const hub::Url& url) { return {url.host, url.port}; }

// Who may be talked to beside the internet: who the user named.
Status set_hosts(const PullOptions& options, const hub::Url& endpoint, const hub::Target& target,
                 hub::HttpSettings& http) {
  http.named.push_back(named(endpoint));
  if (const auto* file = std::get_if<hub::FileTarget>(&target))
    http.named.push_back(named(file->url));
  for (const std::string& text : options.hosts) {
    LATHE_TRY(hub::NamedHost host, hub::parse_named_host(text).at("--allow-host"));
    http.named.push_back(std::move(host));
  }
  return {};
}

nlohmann::json preview_json(const host::PullPreview& preview) {
  return {{"name", preview.model.name},
          {"origin", preview.origin},
          {"license", preview.licence.empty() ? nlohmann::json() : nlohmann::json(preview.licence)},
          {"family", preview.model.family},
          {"parameters", preview.model.parameters},
          {"quantization", preview.model.quantization},
          {"context_length", preview.model.context_length},
          {"chat_template", !preview.model.template_hash.empty()},
          {"tokenizer_hash", preview.model.tokenizer_hash},
          {"download_bytes", preview.download_bytes},
          {"kept_bytes", preview.kept_bytes},
          {"disk_available_bytes", preview.disk_available},
          {"memory_bytes", preview.memory_bytes},
          {"memory_available_bytes", preview.memory_available}};
}

std::string preview_text(const host::PullPreview& preview) {
  const store::ModelRecord& model = preview.model;
  return fmt::format(
      "{}: {}, {} parameters, {}, context {}, {}, {}\n{} to fetch ({} free on disk); {} of memory "
      "once loaded ({} available)",
      preview.origin, model.family, human_count(model.parameters), model.quantization,
      model.context_length, model.template_hash.empty() ? "no chat template" : "chat template",
      preview.licence.empty() ? "licence unknown" : "licence " + preview.licence,
      human_bytes(preview.download_bytes - std::min(preview.kept_bytes, preview.download_bytes)),
      human_bytes(preview.disk_available), human_bytes(preview.memory_bytes),
      human_bytes(preview.memory_available));
}

void print_result(const host::PullResult& result, const Common& common) {
  if (common.json) {
    nlohmann::json data = to_json(*result.model);
    data["was_there"] = result.was_there;
    print_json(data);
    return;
  }
  const store::ModelRecord& model = *result.model;
  fmt::print("{}: {} parameters, {}, {}, context {}{}\n", model.name, human_count(model.parameters),
             model.quantization, human_bytes(model.size_bytes), model.context_length,
             result.was_there ? " (was in the store; --force fetches it anew)" : "");
}

Status pull(const PullOptions& options, const hub::Target& target, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  os::ThreadPool pool(common.thread_plan());
  const os::SystemClock clock;
  std::optional<host::PullPreview> seen;
  host::PullResult result;
  {
    ProgressLine line(clock, 5);
    ByteRate rate(clock), packing(clock);
    host::PullEvents events;
    events.on_preview = [&](const host::PullPreview& preview) {
      seen = preview;
      if (!options.pull.only_look) line.say(preview_text(preview));
    };
    events.on_note = [&](const std::string& text) { line.say(text); };
    events.on_bytes = [&](std::uint64_t done, std::uint64_t all) {
      line.show(rate.text(done, all), done == all);
    };
    host::PullOptions wanted = options.pull;
    wanted.conversion.packing = [&](std::uint64_t done, std::uint64_t all) {
      line.show("packing " + packing.text(done, all));
    };
    LATHE_TRY(result, host::pull_model(store, target, wanted, pool, events));
  }
  if (result.model) {
    print_result(result, common);
  } else if (common.json) {
    print_json(preview_json(*seen));
  } else {
    fmt::print("{}\n", preview_text(*seen));
  }
  return {};
}

// What is spelled as a path, or is one.
bool is_path(const std::string& text) {
  std::error_code code;
  return text.starts_with("/") || text.starts_with("./") || text.starts_with("../") ||
         std::filesystem::exists(text, code);
}

Status run_pull(PullOptions options, const Common& common) {
  if (is_path(options.what))
    return import_path({options.what, options.pull.name, options.quantize, options.no_certificate},
                       common);
  options.pull.conversion.certify = !options.no_certificate;
  if (!options.quantize.empty()) {
    LATHE_TRY(options.pull.conversion.type, host::parse_weight_type(options.quantize));
  }
  hub::HttpSettings& http = options.pull.http;
  LATHE_TRY(const hub::Url endpoint, read_endpoint());
  LATHE_TRY(http.token, read_token());
  http.token_for = endpoint;
  LATHE_TRY(const hub::Target target, hub::parse_target(options.what, endpoint));
  LATHE_CHECK(set_hosts(options, endpoint, target, http));
  const std::string offline = environment("LATHE_OFFLINE");
  if (!offline.empty() && offline != "0") options.pull.offline = true;
  return pull(options, target, common);
}

void add_network_options(CLI::App& command, PullOptions& options) {
  hub::HttpSettings& http = options.pull.http;
  command.add_flag("--offline", options.pull.offline,
                   "do not touch the network (also: LATHE_OFFLINE=1)");
  command
      .add_option("--connections", options.pull.connections, "at once, for the ranges of a file")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  command.add_option("--timeout", http.stall_seconds, "seconds without data that end a request")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command.add_option("--tries", http.attempts, "of a request that fails for now")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--allow-host", options.hosts,
                     "a host or host:port of your own network that the server may send us to");
}

}  // namespace

Action add_pull(CLI::App& program, const Common& common) {
  auto options = make_options<PullOptions>();
  CLI::App* command =
      program.add_subcommand("pull", "get a model from the Hub or a URL into the local store");
  command
      ->add_option("MODEL", options->what,
                   "org/name[@REVISION][:FILE.gguf or a quantisation], an https URL of a .gguf "
                   "file, or a path")
      ->required();
  command->add_option("--name", options->pull.name,
                      "what it is called, `name` or `org/name` (default: after the source)");
  command->add_flag("--dry-run", options->pull.only_look,
                    "say what it is and what it takes, and fetch no weights");
  command->add_flag("--force", options->pull.force, "fetch it although it is in the store");
  command->add_flag("--any-memory", options->pull.any_memory,
                    "fetch it although it will not fit into memory");
  command
      ->add_option("--quantize", options->quantize,
                   "store matrices in this type, as lathe import does (default: as they are)")
      ->check(CLI::IsMember(host::weight_type_names()));
  command->add_flag("--no-certificate", options->no_certificate,
                    "do not measure what a conversion changes");
  add_network_options(*command, *options);
  command->footer(
      "environment: HF_ENDPOINT (the Hub; https://huggingface.co), HF_TOKEN (for gated and private "
      "models; sent to the Hub alone), SSL_CERT_FILE, LATHE_OFFLINE\n"
      "examples: lathe pull HuggingFaceTB/SmolLM2-135M-Instruct\n"
      "          lathe pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:q8_0 --dry-run");
  return [options, &common] { return run_pull(*options, common); };
}

}  // namespace lathe::cli
