// The catalogue's deployments, their versions and revisions.
#include <fmt/format.h>

#include "store/catalogue_state.h"
#include "store/names.h"

namespace lathe::store {
namespace {

using database::Connection;
using database::Statement;
using database::Transaction;

constexpr std::int64_t kMaxInstances = 10'000;
constexpr std::int64_t kMaxIdleSeconds = 366 * 24 * 3600;

#define LATHE_DEPLOYMENT_COLUMNS                                       \
  "name, current_version, "                                            \
  "(SELECT count(*) FROM versions WHERE deployment = name), created, " \
  "(SELECT max(created) FROM revisions WHERE deployment = name)"
#define LATHE_VERSION_COLUMNS                                                     \
  "deployment, version, reference, model, minimum_instances, maximum_instances, " \
  "maximum_idle_seconds, created"

Result<DeploymentRecord> read_deployment(const Statement& row) {
  DeploymentRecord deployment;
  deployment.name = row.text(0);
  deployment.current_version = row.integer(1);
  deployment.versions = row.integer(2);
  deployment.created = row.integer(3);
  deployment.changed = row.integer(4);
  return deployment;
}

// Without its adaptations, which are rows of another table.
Result<VersionRecord> read_version(const Statement& row) {
  VersionRecord version;
  version.deployment = row.text(0);
  version.version = row.integer(1);
  version.reference = row.text(2);
  version.model = row.text(3);
  version.scaling.minimum_instances = row.integer(4);
  version.scaling.maximum_instances = row.integer(5);
  version.scaling.maximum_idle_seconds = row.integer(6);
  version.created = row.integer(7);
  return version;
}

Status read_adaptations(Connection& db, VersionRecord& version) {
  LATHE_TRY(version.adaptations,
            texts(db,
                  "SELECT adaptation FROM version_adaptations WHERE deployment = ? AND version = ? "
                  "ORDER BY position",
                  version.deployment, version.version));
  return {};
}

Result<RevisionRecord> read_revision(const Statement& row) {
  RevisionRecord revision;
  revision.deployment = row.text(0);
  revision.revision = row.integer(1);
  const std::string kind = row.text(2);
  revision.kind = kind == "deploy"     ? RevisionKind::deploy
                  : kind == "rollback" ? RevisionKind::rollback
                                       : RevisionKind::scale;  // the table allows no other
  revision.version = row.integer(3);
  revision.what = row.text(4);
  revision.created = row.integer(5);
  return revision;
}

Status check_scaling(const Scaling& scaling) {
  if (scaling.minimum_instances < 0 || scaling.maximum_instances < 1 ||
      scaling.minimum_instances > scaling.maximum_instances ||
      scaling.maximum_instances > kMaxInstances) {
    return Error::bad_input(fmt::format("{} to {} instances cannot be", scaling.minimum_instances,
                                        scaling.maximum_instances))
        .fix_with(
            fmt::format("give 0 <= minimum <= maximum, and a maximum of 1 to {}", kMaxInstances));
  }
  if (scaling.maximum_idle_seconds < 0 || scaling.maximum_idle_seconds > kMaxIdleSeconds) {
    return Error::bad_input(
               fmt::format("an idle time of {} s cannot be", scaling.maximum_idle_seconds))
        .fix_with(fmt::format("give 0 to {}", kMaxIdleSeconds));
  }
  return {};
}

Status add_revision(Connection& db, const RevisionRecord& revision) {
  return db.run(
      "INSERT INTO revisions(deployment, revision, kind, version, what, created) "
      "SELECT ?1, coalesce(max(revision), 0) + 1, ?2, ?3, ?4, ?5 FROM revisions "
      "WHERE deployment = ?1",
      revision.deployment, to_string(revision.kind), revision.version, revision.what,
      revision.created);
}

Status insert_version(Connection& db, const VersionRecord& version) {
  LATHE_CHECK(db.run("INSERT INTO versions(" LATHE_VERSION_COLUMNS ") VALUES(?,?,?,?,?,?,?,?)",
                     version.deployment, version.version, version.reference, version.model,
                     version.scaling.minimum_instances, version.scaling.maximum_instances,
                     version.scaling.maximum_idle_seconds, version.created));
  for (std::size_t i = 0; i < version.adaptations.size(); ++i) {
    LATHE_CHECK(
        db.run("INSERT INTO version_adaptations(deployment, version, position, adaptation) "
               "VALUES(?,?,?,?)",
               version.deployment, version.version, i, version.adaptations[i]));
  }
  return {};
}

VersionRecord next_version(std::string_view deployment, std::int64_t number,
                           const ResolvedReference& resolved) {
  VersionRecord version;
  version.deployment = deployment;
  version.version = number;
  version.reference = resolved.canonical();
  version.model = resolved.model.name;
  for (const AdaptationRecord& adaptation : resolved.adaptations) {
    version.adaptations.push_back(adaptation.name);
  }
  return version;
}

// The deployment, or not_found.
Result<DeploymentRecord> require_deployment(Connection& db, std::string_view name) {
  LATHE_TRY(auto found, find_deployment(db, name));
  if (found) return *std::move(found);
  return unknown_deployment(db, name);
}

Result<VersionRecord> require_version(Connection& db, const DeploymentRecord& deployment,
                                      std::int64_t number) {
  LATHE_TRY(auto found, find_version(db, deployment.name, number));
  if (found) return *std::move(found);
  return Error::not_found(
             fmt::format("the deployment '{}' has no version {}", deployment.name, number))
      .fix_with(fmt::format("it has versions 1 to {}", deployment.versions));
}

}  // namespace

Result<std::optional<DeploymentRecord>> find_deployment(Connection& db, std::string_view name) {
  return first_record<DeploymentRecord>(
      db, read_deployment, "SELECT " LATHE_DEPLOYMENT_COLUMNS " FROM deployments WHERE name = ?",
      name);
}

Result<std::optional<VersionRecord>> find_version(Connection& db, std::string_view deployment,
                                                  std::int64_t version) {
  LATHE_TRY(auto found,
            first_record<VersionRecord>(db, read_version,
                                        "SELECT " LATHE_VERSION_COLUMNS
                                        " FROM versions WHERE deployment = ? AND version = ?",
                                        deployment, version));
  if (found) LATHE_CHECK(read_adaptations(db, *found));
  return found;
}

Error unknown_deployment(Connection& db, std::string_view name) {
  const auto known = texts(db, "SELECT name FROM deployments ORDER BY name");
  if (!known.ok()) return known.error();
  return unknown_name("deployment", name, *known, "`lathe ps` lists what there is");
}

Result<VersionRecord> Catalogue::deploy(std::string_view deployment, const Reference& reference,
                                        const Scaling& scaling) {
  LATHE_CHECK(check_name(deployment, "deployment"));
  LATHE_CHECK(check_scaling(scaling));
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_TRY(const auto model, find_model(db, deployment));
  if (model) {
    return Error::already_exists(fmt::format("there is a model '{}' already", deployment))
        .fix_with("choose another name for the deployment");
  }
  LATHE_TRY(const ResolvedReference resolved, resolve_reference(db, reference));
  LATHE_TRY(const auto old, find_deployment(db, deployment));
  VersionRecord version = next_version(deployment, old ? old->versions + 1 : 1, resolved);
  version.scaling = scaling;
  version.created = state_->now();

  // The foreign key from the deployment to its version is looked at when the transaction commits.
  LATHE_CHECK(
      db.run("INSERT INTO deployments(name, current_version, created) VALUES(?, ?, ?) "
             "ON CONFLICT(name) DO UPDATE SET current_version = excluded.current_version",
             deployment, version.version, version.created));
  LATHE_CHECK(insert_version(db, version));
  const std::string what =
      old ? fmt::format("version {} ({}) took over from version {}", version.version,
                        version.reference, old->current_version)
          : fmt::format("version 1 ({}) was deployed", version.reference);
  LATHE_CHECK(add_revision(db, {std::string(deployment), 0, RevisionKind::deploy, version.version,
                                what, version.created}));
  LATHE_CHECK(transaction.commit());
  return version;
}

Result<VersionRecord> Catalogue::rollback(std::string_view name,
                                          std::optional<std::int64_t> number) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_TRY(const DeploymentRecord deployment, require_deployment(db, name));
  const std::int64_t current = deployment.current_version;
  if (!number && current == 1) {
    return Error::not_found(
               fmt::format("version 1 is in charge of '{}'; there is none before it", name))
        .fix_with("name the version to go to");
  }
  LATHE_TRY(VersionRecord version, require_version(db, deployment, number.value_or(current - 1)));
  if (version.version == current) {
    return Error::bad_input(fmt::format("version {} is in charge of '{}' already", current, name));
  }
  LATHE_CHECK(
      db.run("UPDATE deployments SET current_version = ? WHERE name = ?", version.version, name));
  const std::string what = fmt::format("back from version {} to version {} ({})", current,
                                       version.version, version.reference);
  LATHE_CHECK(add_revision(
      db, {std::string(name), 0, RevisionKind::rollback, version.version, what, state_->now()}));
  LATHE_CHECK(transaction.commit());
  return version;
}

Result<VersionRecord> Catalogue::scale(std::string_view name, const Scaling& scaling,
                                       std::optional<std::int64_t> number) {
  LATHE_CHECK(check_scaling(scaling));
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_TRY(const DeploymentRecord deployment, require_deployment(db, name));
  LATHE_TRY(VersionRecord version,
            require_version(db, deployment, number.value_or(deployment.current_version)));
  version.scaling = scaling;
  LATHE_CHECK(
      db.run("UPDATE versions SET minimum_instances = ?, maximum_instances = ?, "
             "maximum_idle_seconds = ? WHERE deployment = ? AND version = ?",
             scaling.minimum_instances, scaling.maximum_instances, scaling.maximum_idle_seconds,
             name, version.version));
  const std::string what = fmt::format("version {}: {} to {} instances, idle for at most {} s",
                                       version.version, scaling.minimum_instances,
                                       scaling.maximum_instances, scaling.maximum_idle_seconds);
  LATHE_CHECK(add_revision(
      db, {std::string(name), 0, RevisionKind::scale, version.version, what, state_->now()}));
  LATHE_CHECK(transaction.commit());
  return version;
}

Result<DeploymentRecord> Catalogue::deployment(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  return require_deployment(state_->db, name);
}

Result<std::vector<DeploymentRecord>> Catalogue::deployments() {
  const std::lock_guard lock(state_->mutex);
  return records<DeploymentRecord>(state_->db, read_deployment,
                                   "SELECT " LATHE_DEPLOYMENT_COLUMNS
                                   " FROM deployments ORDER BY name");
}

Result<std::vector<VersionRecord>> Catalogue::versions(std::string_view deployment) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(const Transaction view, Transaction::begin(db, Transaction::Kind::read));
  LATHE_CHECK(require_deployment(db, deployment));
  LATHE_TRY(auto versions,
            records<VersionRecord>(db, read_version,
                                   "SELECT " LATHE_VERSION_COLUMNS
                                   " FROM versions WHERE deployment = ? ORDER BY version",
                                   deployment));
  for (VersionRecord& version : versions) LATHE_CHECK(read_adaptations(db, version));
  return versions;
}

Result<std::vector<RevisionRecord>> Catalogue::revisions(std::string_view deployment) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(const Transaction view, Transaction::begin(db, Transaction::Kind::read));
  LATHE_CHECK(require_deployment(db, deployment));
  return records<RevisionRecord>(db, read_revision,
                                 "SELECT deployment, revision, kind, version, what, created "
                                 "FROM revisions WHERE deployment = ? ORDER BY revision",
                                 deployment);
}

Status Catalogue::remove_deployment(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_CHECK(require_deployment(db, name));
  LATHE_CHECK(db.run("DELETE FROM deployments WHERE name = ?", name));
  return transaction.commit();
}

}  // namespace lathe::store
