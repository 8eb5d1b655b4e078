#include "host/local_backend.h"

#include <fmt/format.h>

#include <utility>

namespace lathe::host {

LocalBackend::LocalBackend(LocalStore store, const LocalBackendOptions& options, Parallel& parallel,
                           const os::Clock& clock)
    : options_(options),
      store_(std::move(store)),
      log_(store_.catalogue),
      models_(options.models, parallel, clock),
      embedders_(options.embedders, store_, log_, parallel, clock),
      workers_(options.workers),
      services_{store_, models_, workers_, log_, clock, waiting_} {}

void LocalBackend::generate(server::GenerationSpec spec,
                            std::shared_ptr<server::GenerationSink> sink,
                            std::shared_ptr<server::Cancellation> cancellation) {
  if (spec.model.size() > options_.max_model_bytes) {
    return sink->on_error(
        Error::not_found(fmt::format("no model has a name of {} bytes", spec.model.size())));
  }
  const std::int64_t waiting = waiting_.load();
  if (waiting >= options_.max_waiting) {
    return sink->on_error(
        Error::unavailable(fmt::format("the queue is full: {} requests wait", waiting))
            .fix_with("try again later"));
  }
  AnswerJob::start(services_, std::move(spec), std::move(sink), std::move(cancellation));
}

void LocalBackend::embed(server::EmbeddingSpec spec, server::EmbeddingDone done,
                         std::shared_ptr<server::Cancellation> cancellation) {
  if (spec.model.size() > options_.max_model_bytes) {
    return done(
        Error::not_found(fmt::format("no model has a name of {} bytes", spec.model.size())));
  }
  embedders_.embed(std::move(spec), std::move(done), std::move(cancellation));
}

Result<std::vector<api::ModelCard>> LocalBackend::models() {
  std::vector<api::ModelCard> cards;
  LATHE_TRY(const auto models, store_.catalogue.models());
  for (const store::ModelRecord& model : models) cards.push_back({model.name, model.created});
  LATHE_TRY(const auto adaptations, store_.catalogue.adaptations());
  for (const store::AdaptationRecord& adaptation : adaptations) {
    if (adaptation.base_model.empty() || adaptation.kind == store::AdaptationKind::head) continue;
    cards.push_back({adaptation.base_model + "+" + adaptation.name, adaptation.created});
  }
  LATHE_TRY(const auto deployments, store_.catalogue.deployments());
  for (const store::DeploymentRecord& deployment : deployments) {
    cards.push_back({deployment.name, deployment.created});
  }
  return cards;
}

Result<api::ModelCard> LocalBackend::model(const std::string& id) {
  LATHE_TRY(const store::ResolvedReference found, store_.catalogue.resolve(id));
  std::int64_t created = found.model.created;
  if (!found.adaptations.empty()) created = found.adaptations.back().created;
  if (!found.deployment.empty()) {
    LATHE_TRY(const auto deployment, store_.catalogue.deployment(found.deployment));
    created = deployment.created;
  }
  return api::ModelCard{id, created};
}

Result<api::DeploymentCard> LocalBackend::card_of(const store::DeploymentRecord& deployment) {
  const std::string version = std::to_string(deployment.current_version);
  const std::string reference = deployment.name + "@" + version;
  LATHE_TRY(const store::ResolvedReference found, store_.catalogue.resolve(reference));
  api::DeploymentCard card{deployment.name, version, found.canonical(), deployment.created, false};
  // A model whose files are gone can be listed; answering will say what is wrong.
  const auto resolved = resolve_in_store(store_, reference);
  card.loaded = resolved.ok() && models_.is_loaded(*resolved);
  return card;
}

Result<std::vector<api::DeploymentCard>> LocalBackend::deployments() {
  LATHE_TRY(const auto records, store_.catalogue.deployments());
  std::vector<api::DeploymentCard> cards;
  for (const store::DeploymentRecord& record : records) {
    LATHE_TRY(api::DeploymentCard card, card_of(record));
    cards.push_back(std::move(card));
  }
  return cards;
}

Result<api::DeploymentCard> LocalBackend::deployment(const std::string& name) {
  LATHE_TRY(const store::DeploymentRecord record, store_.catalogue.deployment(name));
  return card_of(record);
}

Result<std::vector<api::VersionCard>> LocalBackend::versions(const std::string& deployment) {
  LATHE_TRY(const store::DeploymentRecord record, store_.catalogue.deployment(deployment));
  LATHE_TRY(const auto versions, store_.catalogue.versions(deployment));
  std::vector<api::VersionCard> cards;
  for (const store::VersionRecord& version : versions) {
    cards.push_back({deployment, std::to_string(version.version), version.reference,
                     version.created, version.version == record.current_version});
  }
  return cards;
}

Status LocalBackend::ready() {
  LATHE_CHECK(store_.catalogue.deployments());
  return {};
}

server::BackendLoad LocalBackend::load() {
  const ModelHostLoad load = models_.load();
  server::BackendLoad sum;
  sum.running = static_cast<std::int64_t>(load.running);
  sum.waiting = static_cast<std::int64_t>(load.waiting) + waiting_.load();
  sum.loaded_models = static_cast<std::int64_t>(load.models);
  return sum;
}

}  // namespace lathe::host
