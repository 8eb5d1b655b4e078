// The catalogue's models and adaptations.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/catalogue_state.h"
#include "store/names.h"

namespace lathe::store {
namespace {

using database::Connection;
using database::Statement;
using database::Transaction;

#define LATHE_MODEL_COLUMNS                                                          \
  "name, kind, path, size_bytes, parameters, family, context_length, quantization, " \
  "fingerprint, template_hash, tokenizer_hash, details, created"
#define LATHE_ADAPTATION_COLUMNS \
  "name, kind, base_model, base_fingerprint, path, size_bytes, settings, created"

Result<ModelRecord> read_model(const Statement& row) {
  ModelRecord model;
  model.name = row.text(0);
  model.kind = row.text(1);
  model.path = row.text(2);
  model.size_bytes = row.integer(3);
  model.parameters = row.integer(4);
  model.family = row.text(5);
  model.context_length = row.integer(6);
  model.quantization = row.text(7);
  model.fingerprint = row.text(8);
  model.template_hash = row.text(9);
  model.tokenizer_hash = row.text(10);
  model.details = row.text(11);
  model.created = row.integer(12);
  return model;
}

Result<AdaptationRecord> read_adaptation(const Statement& row) {
  AdaptationRecord adaptation;
  adaptation.name = row.text(0);
  LATHE_TRY(adaptation.kind, parse_adaptation_kind(row.text(1)));
  adaptation.base_model = row.text(2);
  adaptation.base_fingerprint = row.text(3);
  adaptation.path = row.text(4);
  adaptation.size_bytes = row.integer(5);
  adaptation.settings = row.text(6);
  adaptation.created = row.integer(7);
  return adaptation;
}

Status check_model(const ModelRecord& model) {
  LATHE_CHECK(check_model_name(model.name));
  LATHE_CHECK(check_relative_path(model.path));
  if (model.fingerprint.empty()) return Error::bad_input("the model has no fingerprint");
  return {};
}

// Who answers with it, for a refusal: "version 1 of 'helpdesk'".
constexpr std::string_view kUsersOfModel =
    "SELECT 'the adaptation ''' || name || '''' FROM adaptations WHERE base_model = ?1 "
    "UNION ALL SELECT 'version ' || version || ' of ''' || deployment || '''' FROM versions "
    "WHERE model = ?1 LIMIT 4";
constexpr std::string_view kUsersOfAdaptation =
    "SELECT 'version ' || version || ' of ''' || deployment || '''' FROM version_adaptations "
    "WHERE adaptation = ?1 LIMIT 4";

// bad_input when something depends on it. verb: "be removed".
Status check_unused(Connection& db, std::string_view users_sql, std::string_view name,
                    std::string_view verb) {
  LATHE_TRY(auto users, texts(db, users_sql, name));
  if (users.empty()) return {};
  if (users.size() == 4) users.back() = "others";
  return Error::bad_input(
             fmt::format("'{}' cannot {}: it is used by {}", name, verb, fmt::join(users, ", ")))
      .fix_with("remove these first, or choose another name");
}

Status insert_model(Connection& db, const ModelRecord& model, std::int64_t created) {
  // An upsert keeps the row that adaptations and versions point to.
  return db.run("INSERT INTO models(" LATHE_MODEL_COLUMNS
                ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) "
                "ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, path = excluded.path, "
                "size_bytes = excluded.size_bytes, parameters = excluded.parameters, "
                "family = excluded.family, context_length = excluded.context_length, "
                "quantization = excluded.quantization, fingerprint = excluded.fingerprint, "
                "template_hash = excluded.template_hash, "
                "tokenizer_hash = excluded.tokenizer_hash, details = excluded.details, "
                "created = excluded.created",
                model.name, model.kind, model.path, model.size_bytes, model.parameters,
                model.family, model.context_length, model.quantization, model.fingerprint,
                model.template_hash, model.tokenizer_hash, model.details, created);
}

Status insert_adaptation(Connection& db, const AdaptationRecord& adaptation, std::int64_t created) {
  std::optional<std::string> base;
  if (!adaptation.base_model.empty()) base = adaptation.base_model;
  return db.run("INSERT OR REPLACE INTO adaptations(" LATHE_ADAPTATION_COLUMNS
                ") VALUES(?,?,?,?,?,?,?,?)",
                adaptation.name, to_string(adaptation.kind), base, adaptation.base_fingerprint,
                adaptation.path, adaptation.size_bytes, adaptation.settings, created);
}

// what: "the adaptation's settings".
Status check_object(Connection& db, const std::string& text, std::string_view what) {
  LATHE_TRY(const auto is_object,
            db.query_integer("SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' "
                             "ELSE 0 END",
                             text));
  if (is_object.value_or(0) == 1) return {};
  return Error::bad_input(fmt::format("{} are no JSON object", what));
}

// Its base is there, with the weights that it was made for.
Status check_base(Connection& db, const AdaptationRecord& adaptation) {
  if (adaptation.base_model.empty()) {
    if (!is_bound_to_model(adaptation.kind) && adaptation.base_fingerprint.empty()) return {};
    return Error::bad_input(fmt::format("the {} '{}' names no base model",
                                        to_string(adaptation.kind), adaptation.name));
  }
  LATHE_TRY(const auto base, find_model(db, adaptation.base_model));
  if (!base) return unknown_model(db, adaptation.base_model);
  if (base->fingerprint == adaptation.base_fingerprint) return {};
  return Error::bad_input(fmt::format("the {} '{}' was not made for the weights of '{}'",
                                      to_string(adaptation.kind), adaptation.name, base->name))
      .fix_with("tune it again on this model");
}

Status check_adaptation(Connection& db, const AdaptationRecord& adaptation) {
  LATHE_CHECK(check_name(adaptation.name, "adaptation"));
  LATHE_CHECK(check_relative_path(adaptation.path));
  LATHE_CHECK(check_object(db, adaptation.settings, "the adaptation's settings"));
  return check_base(db, adaptation);
}

Error taken(std::string_view what, std::string_view name, std::string_view fix) {
  return Error::already_exists(fmt::format("there is a {} '{}' already", what, name))
      .fix_with(std::string(fix));
}

}  // namespace

Result<std::optional<ModelRecord>> find_model(Connection& db, std::string_view name) {
  return first_record<ModelRecord>(
      db, read_model, "SELECT " LATHE_MODEL_COLUMNS " FROM models WHERE name = ?", name);
}

Result<std::optional<AdaptationRecord>> find_adaptation(Connection& db, std::string_view name) {
  return first_record<AdaptationRecord>(
      db, read_adaptation, "SELECT " LATHE_ADAPTATION_COLUMNS " FROM adaptations WHERE name = ?",
      name);
}

Error unknown_model(Connection& db, std::string_view name) {
  const auto known = texts(db, "SELECT name FROM models ORDER BY name");
  if (!known.ok()) return known.error();
  return unknown_name("model", name, *known, "`lathe models` lists what there is");
}

Error unknown_adaptation(Connection& db, std::string_view name) {
  const auto known = texts(db, "SELECT name FROM adaptations ORDER BY name");
  if (!known.ok()) return known.error();
  return unknown_name("adaptation", name, *known, "`lathe models` lists what there is");
}

Status Catalogue::add_model(const ModelRecord& model, IfExists if_exists) {
  LATHE_CHECK(check_model(model));
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_CHECK(check_object(db, model.details, "the model's details"));
  LATHE_TRY(const auto deployment, find_deployment(db, model.name));
  if (deployment) return taken("deployment", model.name, "choose another name for the model");
  LATHE_TRY(const auto old, find_model(db, model.name));
  if (old && if_exists == IfExists::refuse) {
    return taken("model", model.name, "choose another name, or remove that one");
  }
  if (old && old->fingerprint != model.fingerprint) {
    LATHE_CHECK(check_unused(db, kUsersOfModel, model.name, "get other weights"));
  }
  LATHE_CHECK(insert_model(db, model, state_->stamp(model.created)));
  return transaction.commit();
}

Result<ModelRecord> Catalogue::model(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(auto found, find_model(state_->db, name));
  if (found) return *std::move(found);
  return unknown_model(state_->db, name);
}

Result<std::vector<ModelRecord>> Catalogue::models() {
  const std::lock_guard lock(state_->mutex);
  return records<ModelRecord>(state_->db, read_model,
                              "SELECT " LATHE_MODEL_COLUMNS " FROM models ORDER BY name");
}

Status Catalogue::remove_model(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_CHECK(check_unused(db, kUsersOfModel, name, "be removed"));
  LATHE_CHECK(db.run("DELETE FROM models WHERE name = ?", name));
  if (db.changes() == 0) return unknown_model(db, name);
  return transaction.commit();
}

Status Catalogue::add_adaptation(const AdaptationRecord& adaptation, IfExists if_exists) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_CHECK(check_adaptation(db, adaptation));
  LATHE_TRY(const auto old, find_adaptation(db, adaptation.name));
  if (old && if_exists == IfExists::refuse) {
    return taken("adaptation", adaptation.name, "choose another name, or remove that one");
  }
  if (old) LATHE_CHECK(check_unused(db, kUsersOfAdaptation, adaptation.name, "be replaced"));
  LATHE_CHECK(insert_adaptation(db, adaptation, state_->stamp(adaptation.created)));
  return transaction.commit();
}

Result<AdaptationRecord> Catalogue::adaptation(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(auto found, find_adaptation(state_->db, name));
  if (found) return *std::move(found);
  return unknown_adaptation(state_->db, name);
}

Result<std::vector<AdaptationRecord>> Catalogue::adaptations() {
  const std::lock_guard lock(state_->mutex);
  return records<AdaptationRecord>(state_->db, read_adaptation,
                                   "SELECT " LATHE_ADAPTATION_COLUMNS
                                   " FROM adaptations ORDER BY name");
}

Status Catalogue::remove_adaptation(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_CHECK(check_unused(db, kUsersOfAdaptation, name, "be removed"));
  LATHE_CHECK(db.run("DELETE FROM adaptations WHERE name = ?", name));
  if (db.changes() == 0) return unknown_adaptation(db, name);
  return transaction.commit();
}

}  // namespace lathe::store
