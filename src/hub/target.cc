#include "hub/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/foreign_text.h"

namespace lathe::hub {
namespace {

using formats::in_quotes;

constexpr std::size_t kMaxSegment = 96;  // the Hub's own bound
constexpr std::size_t kMaxRevision = 200;
constexpr std::size_t kMaxPath = 512;
constexpr std::size_t kMaxDepth = 8;
constexpr std::string_view kWhatThereIs =
    "give org/name, org/name@revision, org/name:FILE.gguf, or the https URL of a .gguf file";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Error wrong(std::string what) {
  return Error::bad_input(std::move(what)).fix_with(std::string(kWhatThereIs));
}

bool is_segment(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSegment && text.front() != '.' &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), is_plain);
}

Status check_repository(std::string_view name) {
  const std::size_t slash = name.find('/');
  const bool fits = slash == std::string_view::npos
                        ? is_segment(name)
                        : is_segment(name.substr(0, slash)) && is_segment(name.substr(slash + 1));
  if (fits) return {};
  return wrong(fmt::format("{} is no name of a repository", in_quotes(name)));
}

Status check_revision(std::string_view revision) {
  const bool fits =
      !revision.empty() && revision.size() <= kMaxRevision &&
      revision.find("..") == std::string_view::npos && revision.front() != '/' &&
      std::all_of(revision.begin(), revision.end(), [](char c) { return is_plain(c) || c == '/'; });
  if (fits) return {};
  return wrong(fmt::format("{} is no revision", in_quotes(revision)));
}

Status check(const RepositoryTarget& target) {
  LATHE_CHECK(check_repository(target.repository));
  LATHE_CHECK(check_revision(target.revision));
  if (!target.choice.empty()) LATHE_CHECK(check_repository_path(target.choice));
  return {};
}

Result<Target> parse_name(std::string_view text, const Url& endpoint) {
  RepositoryTarget target;
  target.endpoint = endpoint;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    target.choice = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (target.choice.empty()) return wrong("nothing follows the colon");
  }
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    target.revision = text.substr(at + 1);
    text = text.substr(0, at);
  }
  target.repository = text;
  LATHE_CHECK(check(target));
  return Target(std::move(target));
}

std::string take_part(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  std::string part(path.substr(0, end));
  path.remove_prefix(std::min(end + 1, path.size()));
  return part;
}

// path: decoded, without the endpoint's own and without the first slash.
Result<Target> parse_hub_path(std::string_view path, const Url& endpoint) {
  RepositoryTarget target;
  target.endpoint = endpoint;
  target.repository = take_part(path);
  target.repository += "/" + take_part(path);
  const std::string kind = take_part(path);
  if (!kind.empty() && kind != "tree" && kind != "resolve" && kind != "blob")
    return wrong(fmt::format("the page {} of a model cannot be pulled", in_quotes(kind)));
  if (!kind.empty()) target.revision = take_part(path);
  if (!path.empty() && kind == "tree")
    return wrong("a folder of a repository cannot be pulled by itself");
  target.choice = path;
  LATHE_CHECK(check(target));
  return Target(std::move(target));
}

bool is_hub(const Url& url, const Url& endpoint) {
  return origin(url) == origin(endpoint) || origin(url) == "https://huggingface.co" ||
         origin(url) == "https://hf.co";
}

Result<Target> parse_url_target(std::string_view text, const Url& endpoint) {
  LATHE_TRY(const Url url, parse_url(text));
  LATHE_TRY(const std::string path, decode_path(url.path));
  if (is_hub(url, endpoint)) {
    Url hub = origin(url) == origin(endpoint) ? endpoint : url;
    if (origin(url) != origin(endpoint)) hub.path = hub.query = "";
    std::string_view rest = path;
    if (rest.starts_with(hub.path)) rest.remove_prefix(hub.path.size());
    while (rest.starts_with('/')) rest.remove_prefix(1);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    return parse_hub_path(rest, hub);
  }
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".gguf"))
    return wrong(fmt::format("the URL names no .gguf file but {}", in_quotes(name)));
  LATHE_CHECK(check_repository_path(name));
  return Target(FileTarget{url, name});
}

}  // namespace

Result<Target> parse_target(std::string_view text, const Url& endpoint) {
  if (text.find("://") != std::string_view::npos) return parse_url_target(text, endpoint);
  return parse_name(text, endpoint);
}

std::string default_name(const Target& target) {
  const auto stem = [](std::string_view file) {
    file = file.substr(file.rfind('/') + 1);
    return std::string(file.substr(0, file.size() - std::string_view(".gguf").size()));
  };
  if (const auto* file = std::get_if<FileTarget>(&target)) return stem(file->name);
  const auto& repository = std::get<RepositoryTarget>(target);
  if (!repository.choice.ends_with(".gguf")) return repository.repository;
  const std::size_t slash = repository.repository.find('/');
  const std::string owner =
      slash == std::string::npos ? "" : repository.repository.substr(0, slash + 1);
  return owner + stem(repository.choice);
}

Status check_repository_path(std::string_view path) {
  const auto refuse = [&](const char* why) {
    return Error::bad_input(fmt::format("the file name {} {}", in_quotes(path), why));
  };
  if (path.empty() || path.size() > kMaxPath) return refuse("is empty or too long");
  if (!formats::is_utf8(path)) return refuse("is no UTF-8");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\')
      return refuse("holds a control character or backslash");
  }
  std::size_t depth = 0;
  std::string_view rest = path;
  while (true) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part.empty()) return refuse("is absolute or has an empty part");
    if (part == "." || part == "..") return refuse("leads out of its folder");
    if (++depth > kMaxDepth) return refuse("lies too deep");
    if (end == rest.size()) return {};
    rest.remove_prefix(end + 1);
  }
}

}  // namespace lathe::hub
