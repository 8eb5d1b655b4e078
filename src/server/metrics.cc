#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lathe::server {
namespace {

constexpr std::size_t kMaxModels = 256;
constexpr std::string_view kKnownMethods[] = {"GET",   "HEAD",    "POST",  "PUT",
                                              "PATCH", "OPTIONS", "DELETE"};

// From a token of a small model to a long answer of a large one.
std::vector<double> latency_bounds() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250};
}
std::vector<double> per_token_bounds() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
}

std::string escape_label(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string model_label(const std::string& model) {
  return fmt::format("model_name=\"{}\"", escape_label(model));
}

void append_head(std::string& out, std::string_view name, std::string_view type,
                 std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP lathe:{0} {2}\n# TYPE lathe:{0} {1}\n", name,
                 type, help);
}

void append_value(std::string& out, std::string_view name, const std::string& labels,
                  std::uint64_t value) {
  const std::string braces = labels.empty() ? "" : "{" + labels + "}";
  fmt::format_to(std::back_inserter(out), "lathe:{}{} {}\n", name, braces, value);
}

void append_single(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help, std::int64_t value) {
  append_head(out, name, type, help);
  append_value(out, name, "", static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)));
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  ++counts_[static_cast<std::size_t>(bucket)];
  sum_ += value;
}

void Histogram::append(std::string& out, const std::string& name, const std::string& labels) const {
  const std::string before_le = labels.empty() ? "" : labels + ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i];
    const std::string le = i < bounds_.size() ? fmt::format("{}", bounds_[i]) : "+Inf";
    append_value(out, name + "_bucket", fmt::format("{}le=\"{}\"", before_le, le), total);
  }
  const std::string braces = labels.empty() ? "" : "{" + labels + "}";
  fmt::format_to(std::back_inserter(out), "lathe:{}_sum{} {}\n", name, braces, sum_);
  append_value(out, name + "_count", labels, total);
}

Metrics::PerModel::PerModel()
    : first_token(latency_bounds()),
      total(latency_bounds()),
      per_token(per_token_bounds()),
      load(latency_bounds()) {}

Metrics::PerModel& Metrics::of_model(const std::string& model) {
  const bool known = models_.contains(model);
  return models_[known || models_.size() < kMaxModels ? model : "(other)"];
}

void Metrics::record(const GenerationRecord& record) {
  const std::lock_guard lock(mutex_);
  PerModel& of = of_model(record.model);
  of.prompt_tokens +=
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.usage.prompt_tokens));
  of.generation_tokens +=
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.usage.completion_tokens));
  ++of.finished[record.reason];
  of.total.observe(record.total_seconds);
  if (record.load_seconds > 0) of.load.observe(record.load_seconds);
  if (record.first_token_seconds < 0) return;
  of.first_token.observe(record.first_token_seconds);
  if (record.usage.completion_tokens > 1) {
    of.per_token.observe((record.total_seconds - record.first_token_seconds) /
                         static_cast<double>(record.usage.completion_tokens - 1));
  }
}

void Metrics::record_failure(ErrorKind kind) {
  const std::lock_guard lock(mutex_);
  ++failures_[kind];
}

void Metrics::record(const Outcome& outcome) {
  const bool known = std::ranges::find(kKnownMethods, outcome.method) != std::end(kKnownMethods);
  const std::string labels =
      fmt::format("method=\"{}\",route=\"{}\",status=\"{}\"", known ? outcome.method : "(other)",
                  escape_label(outcome.route), outcome.status);
  const std::lock_guard lock(mutex_);
  ++http_[labels];
}

std::string Metrics::render(const BackendLoad& load, const HttpStats& http) const {
  std::string out;
  append_single(out, "num_requests_running", "gauge", "Sequences in the batch.", load.running);
  append_single(out, "num_requests_waiting", "gauge", "Requests accepted and queued.",
                load.waiting);
  append_single(out, "num_models_loaded", "gauge", "Models in memory.", load.loaded_models);
  append_single(out, "http_connections", "gauge", "Open connections.", http.connections_open);
  append_single(out, "http_connections_refused_total", "counter",
                "Connections over the bound, answered with 503.", http.connections_refused);
  append_single(out, "http_protocol_errors_total", "counter",
                "Requests refused before they reached an endpoint.", http.protocol_errors);

  const std::lock_guard lock(mutex_);
  const auto each_model = [&](const char* name, const char* type, const char* help, auto&& append) {
    append_head(out, name, type, help);
    for (const auto& [model, of] : models_) append(name, model_label(model), of);
  };
  each_model("prompt_tokens_total", "counter", "Tokens read.",
             [&](const char* name, const std::string& label, const PerModel& of) {
               append_value(out, name, label, of.prompt_tokens);
             });
  each_model("generation_tokens_total", "counter", "Tokens made.",
             [&](const char* name, const std::string& label, const PerModel& of) {
               append_value(out, name, label, of.generation_tokens);
             });
  each_model("request_success_total", "counter", "Generations that ended, by reason.",
             [&](const char* name, const std::string& label, const PerModel& of) {
               for (const auto& [reason, count] : of.finished) {
                 append_value(out, name,
                              fmt::format("{},finished_reason=\"{}\"", label, to_string(reason)),
                              count);
               }
             });
  const auto each_histogram = [&](const char* name, const char* help, Histogram PerModel::*which) {
    each_model(name, "histogram", help,
               [&](const char*, const std::string& label, const PerModel& of) {
                 (of.*which).append(out, name, label);
               });
  };
  each_histogram("time_to_first_token_seconds", "From the request to its first text.",
                 &PerModel::first_token);
  each_histogram("e2e_request_latency_seconds", "From the request to the end of its answer.",
                 &PerModel::total);
  each_histogram("request_time_per_output_token_seconds", "Of the tokens after the first.",
                 &PerModel::per_token);
  each_histogram("request_model_load_seconds", "Of requests that waited for a model to load.",
                 &PerModel::load);

  append_head(out, "request_failure_total", "counter", "Generations that failed, by kind.");
  for (const auto& [kind, count] : failures_) {
    append_value(out, "request_failure_total", fmt::format("kind=\"{}\"", to_string(kind)), count);
  }
  append_head(out, "http_requests_total", "counter", "Requests answered; 499: the client left.");
  for (const auto& [labels, count] : http_) append_value(out, "http_requests_total", labels, count);
  return out;
}

}  // namespace lathe::server
