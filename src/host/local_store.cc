#include "host/local_store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "host/fingerprint.h"

namespace lathe::host {
namespace {

using Kind = tasks::AdaptationSource::Kind;

Result<Kind> kind_of(const store::AdaptationRecord& adaptation) {
  switch (adaptation.kind) {
    case store::AdaptationKind::prompt:
      return Kind::prompt;
    case store::AdaptationKind::knowledge:
      return Kind::knowledge;
    case store::AdaptationKind::soft_prompt:
      return Kind::soft_prompt;
    case store::AdaptationKind::lora:
      return Kind::lora;
    case store::AdaptationKind::head:
      break;
  }
  return Error::unsupported(
             fmt::format("'{}' is a head, which classifies and does not answer", adaptation.name))
      .fix_with("leave it out of the reference");
}

Result<tasks::AdaptationSource> source_of(const store::Home& home,
                                          const store::AdaptationRecord& adaptation) {
  tasks::AdaptationSource source;
  LATHE_TRY(source.kind, kind_of(adaptation));
  LATHE_TRY(source.path, home.absolute(adaptation.path));
  source.name = adaptation.name;
  return source;
}

// A reference split into a path that exists and the names of adaptations; nothing when no prefix
// of it exists. A path may itself hold plus signs, so the longest prefix wins.
struct PathReference {
  os::Path path;
  std::vector<std::string> adaptations;
};

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    text.remove_prefix(1);  // the plus sign
    const std::size_t end = std::min(text.find('+'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return names;
}

std::optional<PathReference> split_path(const std::string& text) {
  std::size_t end = text.size();
  std::error_code code;
  while (true) {
    const os::Path path = text.substr(0, end);
    if (!path.empty() && std::filesystem::exists(path, code)) {
      return PathReference{path, split_names(std::string_view(text).substr(end))};
    }
    const std::size_t plus = end == 0 ? std::string::npos : text.rfind('+', end - 1);
    if (plus == std::string::npos) return std::nullopt;
    end = plus;
  }
}

Status check_fits(const store::AdaptationRecord& adaptation, const os::Path& model) {
  if (!store::is_bound_to_model(adaptation.kind)) return {};
  LATHE_TRY(const std::string fingerprint, weights_fingerprint(model));
  if (fingerprint == adaptation.base_fingerprint) return {};
  return Error::bad_input(fmt::format("the adaptation '{}' was made for the weights of '{}' ({}), "
                                      "and those of '{}' are others ({})",
                                      adaptation.name, adaptation.base_model,
                                      adaptation.base_fingerprint, model.string(), fingerprint))
      .fix_with(fmt::format("use {}+{}, or tune one for this model", adaptation.base_model,
                            adaptation.name));
}

Result<Resolved> resolve_path(LocalStore& store, const PathReference& reference) {
  Resolved resolved;
  resolved.model_name = reference.path.string();
  resolved.reference = resolved.model_name;
  LATHE_TRY(resolved.model_path, tasks::model_path(reference.path));
  for (const std::string& name : reference.adaptations) {
    LATHE_TRY(const store::AdaptationRecord adaptation, store.catalogue.adaptation(name));
    LATHE_CHECK(check_fits(adaptation, resolved.model_path));
    LATHE_TRY(auto source, source_of(store.home, adaptation));
    resolved.adaptations.push_back(std::move(source));
    resolved.reference += "+" + name;
  }
  return resolved;
}

// Spelled as no name can be, or as files are.
bool is_spelled_as_path(const std::string& text) {
  return text.starts_with("/") || text.starts_with(".") || text.find(".gguf") != std::string::npos;
}

}  // namespace

Result<LocalStore> LocalStore::open(const std::string& folder) {
  os::Path chosen = folder;
  if (chosen.empty()) {
    LATHE_TRY(chosen, store::Home::default_folder());
  }
  LATHE_TRY(store::Home home, store::Home::open(chosen));
  LATHE_TRY(store::Catalogue catalogue, store::Catalogue::open(home.catalogue_file()));
  return LocalStore{std::move(home), std::move(catalogue)};
}

Result<Resolved> locate(const store::Home& home, const store::ResolvedReference& found) {
  Resolved resolved;
  resolved.reference = found.canonical();
  resolved.model_name = found.model.name;
  resolved.deployment = found.deployment;
  resolved.version = found.version;
  LATHE_TRY(const os::Path path, home.absolute(found.model.path));
  LATHE_TRY(resolved.model_path, tasks::model_path(path));
  resolved.in_store = true;
  for (const store::AdaptationRecord& adaptation : found.adaptations) {
    LATHE_TRY(auto source, source_of(home, adaptation));
    resolved.adaptations.push_back(std::move(source));
  }
  return resolved;
}

Result<Resolved> resolve_in_store(LocalStore& store, const std::string& reference) {
  LATHE_TRY(const store::ResolvedReference found, store.catalogue.resolve(reference));
  return locate(store.home, found);
}

Result<Resolved> resolve(LocalStore& store, const std::string& reference) {
  const std::optional<PathReference> path = split_path(reference);
  if (is_spelled_as_path(reference)) {
    if (path) return resolve_path(store, *path);
    return Error::not_found("there is no such file or folder")
        .at(reference)
        .fix_with("name a model of the store, or the path of a model");
  }
  Result<Resolved> named = resolve_in_store(store, reference);
  if (named.ok() || !path) return named;
  const ErrorKind kind = named.error().kind;
  // A name that the store has and that does not work is the error to report; one that it does not
  // have, or that no name can be, may be a path.
  const bool may_be_path = kind == ErrorKind::not_found || kind == ErrorKind::bad_input;
  if (!may_be_path || !tasks::model_path(path->path).ok()) return named;
  if (const auto name = store::parse_reference(reference); name.ok()) {
    if (store.catalogue.model(name->name).ok()) return named;
  }
  return resolve_path(store, *path);
}

std::string path_identity(const os::Path& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return path.string() + "|absent";
  return fmt::format("{}|{}|{}|{}.{}|{}", path.string(), found.st_dev, found.st_ino,
                     found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size);
}

}  // namespace lathe::host
