// The catalogue: which models, adaptations and deployments there are, and what was asked of them;
// one SQLite file in the home.
//
// Each call is one transaction: a process killed at any moment leaves the state before or after the
// call. Several processes (server and command line) may use one catalogue at once; a change by one
// is seen by the next call of the other. Thread-safe: a mutex lets one thread in at a time.
//
// Errors beside those of each call: bad_input (a name that is not allowed, a damaged file),
// unavailable (another process kept the file locked), io, unsupported (made by a newer Lathe).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "database/sqlite.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/records.h"
#include "store/reference.h"

namespace lathe::store {

// What to do when the name is there already.
enum class IfExists { refuse, replace };

// A reference with everything it stands for. For a deployment, what its version answers with.
struct ResolvedReference {
  ModelRecord model;
  std::vector<AdaptationRecord> adaptations;  // in the order they apply
  std::string deployment;                     // empty when a model was named
  std::int64_t version = 0;                   // 0 when a model was named

  // "model+adaptation+adaptation": what answers, whatever name led here. Equal texts answer alike.
  std::string canonical() const;
};

struct RequestQuery {
  std::optional<std::string> deployment;  // all when not given
  std::size_t limit = 100;                // the newest so many
};

// Sums over the requests that the log still has.
struct RequestSummary {
  std::int64_t requests = 0;
  std::int64_t failures = 0;  // status 400 and above
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double mean_latency_ms = 0;  // of the requests that did not fail
  std::int64_t last_started = 0;
};

class Catalogue {
 public:
  struct Options {
    std::int64_t kept_requests = 100'000;  // the oldest beyond these are forgotten
    const os::Clock* clock = nullptr;      // for stamps; the system's when null. Outlives this
  };
  // Opens the file, made or brought up to date when needed.
  static Result<Catalogue> open(const os::Path& file, const Options& options);
  static Result<Catalogue> open(const os::Path& file) { return open(file, Options()); }

  // --- models ---

  // Errors: already_exists (a model of that name, unless it is to be replaced; a deployment of that
  // name), bad_input (replacing weights that an adaptation or a version depends on).
  Status add_model(const ModelRecord& model, IfExists if_exists = IfExists::refuse);
  Result<ModelRecord> model(std::string_view name);  // not_found, with near names
  Result<std::vector<ModelRecord>> models();         // by name
  // Removes the record; the files are the caller's. Errors: not_found, bad_input (in use, with the
  // names of its users).
  Status remove_model(std::string_view name);

  // --- adaptations ---

  // Errors: already_exists; not_found (its base); bad_input (a base that does not match its
  // fingerprint, replacing one that a version answers with, settings that are no JSON object).
  Status add_adaptation(const AdaptationRecord& adaptation, IfExists if_exists = IfExists::refuse);
  Result<AdaptationRecord> adaptation(std::string_view name);
  Result<std::vector<AdaptationRecord>> adaptations();  // by name
  Status remove_adaptation(std::string_view name);      // as remove_model

  // --- deployments ---

  // Adds the next version (1 for a new deployment) and puts it in charge. A reference that names a
  // deployment stands for what that answers with now. Errors: those of resolve(); already_exists
  // (a model of that name).
  Result<VersionRecord> deploy(std::string_view deployment, const Reference& reference,
                               const Scaling& scaling = {});
  // Puts another version in charge: the given one, or the one numbered before the current. Errors:
  // not_found (no such version, none before), bad_input (it is in charge).
  Result<VersionRecord> rollback(std::string_view deployment,
                                 std::optional<std::int64_t> version = std::nullopt);
  // Changes how a version scales (the one in charge when not given). Error: bad_input (bounds).
  Result<VersionRecord> scale(std::string_view deployment, const Scaling& scaling,
                              std::optional<std::int64_t> version = std::nullopt);
  Result<DeploymentRecord> deployment(std::string_view name);  // not_found, with near names
  Result<std::vector<DeploymentRecord>> deployments();         // by name
  Result<std::vector<VersionRecord>> versions(std::string_view deployment);    // from 1
  Result<std::vector<RevisionRecord>> revisions(std::string_view deployment);  // from 1
  // Removes the deployment, its versions and revisions; its requests stay in the log.
  Status remove_deployment(std::string_view name);

  // --- references ---

  // Errors: not_found (with near names, or how to write it), bad_input (an adaptation made for
  // other weights; adaptations added to a deployment; a version of a model).
  Result<ResolvedReference> resolve(const Reference& reference);
  Result<ResolvedReference> resolve(std::string_view text);

  // --- requests ---

  // Writes one or many in one transaction; a busy server gathers them.
  Status record_requests(std::span<const RequestRecord> requests);
  Result<std::vector<RequestRecord>> requests(const RequestQuery& query);  // newest first
  Result<RequestSummary> request_summary(std::string_view deployment);

  // --- comparisons ---

  // They go with their model. Error: not_found (the model).
  Status record_comparison(const ComparisonRecord& comparison);
  Result<std::vector<ComparisonRecord>> comparisons();  // newest first

  // Reads the whole file; bad_input names the first damage. For `doctor`.
  Status check_integrity();

 private:
  struct State;  // connection, clock, options, mutex
  explicit Catalogue(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace lathe::store
