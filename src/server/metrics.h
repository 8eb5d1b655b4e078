// What the server counts, and its text for Prometheus. Names follow vLLM's, with the prefix lathe:,
// so that dashboards made for it need one replacement. Thread-safe.
// Source: Prometheus text exposition format 0.0.4; vLLM, "Production metrics".
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/generation.h"
#include "base/result.h"
#include "server/backend.h"
#include "server/http_server.h"
#include "server/router.h"

namespace lathe::server {

// Counts of observations by size; the bounds are upper ones, in seconds, ascending.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  // The lines of one histogram; labels is empty or like `model_name="m"`.
  void append(std::string& out, const std::string& name, const std::string& labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;  // one more than bounds_: past the last
  double sum_ = 0;
};

// One generation that ended.
struct GenerationRecord {
  std::string model;
  api::FinishReason reason = api::FinishReason::stop;
  api::Usage usage;
  double load_seconds = 0;
  double first_token_seconds = -1;  // from the request's arrival; negative: there was no text
  double total_seconds = 0;
};

class Metrics {
 public:
  void record(const GenerationRecord& record);
  void record_failure(ErrorKind kind);
  void record(const Outcome& outcome);

  std::string render(const BackendLoad& load, const HttpStats& http) const;

 private:
  struct PerModel {
    PerModel();
    std::uint64_t prompt_tokens = 0;
    std::uint64_t generation_tokens = 0;
    std::map<api::FinishReason, std::uint64_t> finished;
    Histogram first_token, total, per_token, load;
  };

  // Guarded by mutex_. Series past a bound go to a model named "(other)".
  PerModel& of_model(const std::string& model);

  mutable std::mutex mutex_;
  std::map<std::string, PerModel> models_;
  std::map<ErrorKind, std::uint64_t> failures_;
  std::map<std::string, std::uint64_t> http_;  // by its labels
};

}  // namespace lathe::server
