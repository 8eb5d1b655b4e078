#include "store/catalogue.h"

#include <fmt/format.h>

#include "store/catalogue_state.h"
#include "store/names.h"

namespace lathe::store {
namespace {

using database::Connection;
using database::Transaction;

// An adaptation fits when it is bound to no model, or to one with the same weights: a model that
// was imported twice under two names is one base.
Status check_fits(const AdaptationRecord& adaptation, const ModelRecord& model) {
  if (adaptation.base_fingerprint.empty() || adaptation.base_fingerprint == model.fingerprint) {
    return {};
  }
  return Error::bad_input(fmt::format("the adaptation '{}' was made for the weights of '{}', and "
                                      "those of '{}' are others",
                                      adaptation.name, adaptation.base_model, model.name))
      .fix_with(fmt::format("use {}+{}, or tune one for '{}'", adaptation.base_model,
                            adaptation.name, model.name));
}

Result<ResolvedReference> resolve_model(Connection& db, ModelRecord model,
                                        const std::vector<std::string>& adaptations) {
  ResolvedReference resolved;
  resolved.model = std::move(model);
  for (const std::string& name : adaptations) {
    LATHE_TRY(auto adaptation, find_adaptation(db, name));
    if (!adaptation) return unknown_adaptation(db, name);
    LATHE_CHECK(check_fits(*adaptation, resolved.model));
    resolved.adaptations.push_back(*std::move(adaptation));
  }
  return resolved;
}

Result<ResolvedReference> resolve_deployment(Connection& db, const DeploymentRecord& deployment,
                                             const Reference& reference) {
  if (!reference.adaptations.empty()) {
    return Error::bad_input(fmt::format("'{}' is a deployment; no adaptation can be added to it",
                                        deployment.name))
        .fix_with("name its model with the adaptations, and deploy that");
  }
  const std::int64_t number = reference.version.value_or(deployment.current_version);
  LATHE_TRY(auto version, find_version(db, deployment.name, number));
  if (!version) {
    return Error::not_found(
               fmt::format("the deployment '{}' has no version {}", deployment.name, number))
        .fix_with(fmt::format("it has versions 1 to {}", deployment.versions));
  }
  LATHE_TRY(auto model, find_model(db, version->model));
  if (!model) return Error::internal("a version's model is not in the catalogue");
  LATHE_TRY(ResolvedReference resolved, resolve_model(db, *std::move(model), version->adaptations));
  resolved.deployment = deployment.name;
  resolved.version = number;
  return resolved;
}

// Nothing has this name: says what was meant, or how it is written.
Error unknown_reference(Connection& db, const std::string& name) {
  LATHE_TRY(const auto adaptation, find_adaptation(db, name));
  if (adaptation) {
    const std::string base = adaptation->base_model.empty() ? "MODEL" : adaptation->base_model;
    return Error::not_found(fmt::format("no model or deployment '{}'", name))
        .fix_with(fmt::format("it is an adaptation: name it with its model, {}+{}", base, name));
  }
  const auto known = texts(db,
                           "SELECT name FROM models UNION "
                           "SELECT name FROM deployments ORDER BY name");
  if (!known.ok()) return known.error();
  return unknown_name("model or deployment", name, *known,
                      "`lathe models` and `lathe ps` list what there is");
}

}  // namespace

std::string ResolvedReference::canonical() const {
  Reference reference;
  reference.name = model.name;
  for (const AdaptationRecord& adaptation : adaptations) {
    reference.adaptations.push_back(adaptation.name);
  }
  return to_string(reference);
}

Result<ResolvedReference> resolve_reference(Connection& db, const Reference& reference) {
  LATHE_TRY(auto model, find_model(db, reference.name));
  if (model) {
    if (reference.version) {
      return Error::bad_input(
                 fmt::format("'{}' is a model, and models have no versions", reference.name))
          .fix_with("leave out '@' and what follows");
    }
    return resolve_model(db, *std::move(model), reference.adaptations);
  }
  LATHE_TRY(const auto deployment, find_deployment(db, reference.name));
  if (deployment) return resolve_deployment(db, *deployment, reference);
  return unknown_reference(db, reference.name);
}

Result<Catalogue> Catalogue::open(const os::Path& file, const Options& options) {
  LATHE_TRY(Connection db, database::open_database(file, {}, kCatalogueSchema));
  return Catalogue(std::make_shared<State>(std::move(db), options));
}

Result<ResolvedReference> Catalogue::resolve(const Reference& reference) {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(const Transaction view, Transaction::begin(state_->db, Transaction::Kind::read));
  return resolve_reference(state_->db, reference);
}

Result<ResolvedReference> Catalogue::resolve(std::string_view text) {
  LATHE_TRY(const Reference reference, parse_reference(text));
  return resolve(reference);
}

Status Catalogue::check_integrity() {
  const std::lock_guard lock(state_->mutex);
  return state_->db.check_integrity();
}

}  // namespace lathe::store
