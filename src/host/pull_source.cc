#include "host/pull_source.h"

#include <nlohmann/json.hpp>

namespace lathe::host {
namespace {

using nlohmann::json;

// What the user asked for.
json asked_for(const hub::Target& target) {
  if (const auto* file = std::get_if<hub::FileTarget>(&target))
    return {{"url", hub::to_string(file->url)}};
  const auto& repository = std::get<hub::RepositoryTarget>(target);
  return {{"endpoint", hub::to_string(repository.endpoint)},
          {"repo", repository.repository},
          {"revision", repository.revision},
          {"choice", repository.choice}};
}

json file_json(const hub::RemoteFile& file) {
  json out = {{"path", file.path}, {"size", file.size}};
  if (!file.sha256.empty()) out["sha256"] = file.sha256;
  if (!file.git_sha1.empty()) out["git_sha1"] = file.git_sha1;
  return out;
}

}  // namespace

std::string details_of(const hub::Target& target, const hub::Repository& repository,
                       const hub::Selection& selection) {
  json source = asked_for(target);
  if (!repository.commit.empty()) source["commit"] = repository.commit;
  source["files"] = json::array();
  for (const auto* files : {&selection.texts, &selection.weights}) {
    for (const hub::RemoteFile& file : *files) source["files"].push_back(file_json(file));
  }
  json details = {{"source", source}};
  if (!repository.licence.empty()) details["license"] = repository.licence;
  return details.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

// Whether the record's source has what was asked for, but for the key `except`.
bool matches(const store::ModelRecord& model, const hub::Target& target, std::string_view except) {
  const json details = json::parse(model.details, nullptr, false);
  if (!details.is_object() || !details.contains("source")) return false;
  const json& source = details["source"];
  if (!source.is_object()) return false;
  const json wanted = asked_for(target);
  for (const auto& [key, value] : wanted.items()) {
    if (key != except && (!source.contains(key) || source[key] != value)) return false;
  }
  return true;
}

}  // namespace

bool came_from(const store::ModelRecord& model, const hub::Target& target) {
  return matches(model, target, {});
}

bool came_from_repository(const store::ModelRecord& model, const hub::Target& target) {
  return std::holds_alternative<hub::RepositoryTarget>(target) &&
         matches(model, target, "revision");
}

std::string origin_text(const hub::Target& target, const hub::Repository& repository) {
  if (const auto* file = std::get_if<hub::FileTarget>(&target)) return hub::to_string(file->url);
  return repository.name + "@" + repository.commit.substr(0, 12);
}

}  // namespace lathe::host
