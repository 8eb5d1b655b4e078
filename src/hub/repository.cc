#include "hub/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "formats/foreign_text.h"
#include "formats/json.h"

namespace lathe::hub {
namespace {

using formats::in_quotes;
using formats::JsonFields;
using nlohmann::json;

constexpr std::size_t kMaxListingBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxFiles = 20'000;

bool is_hash(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string base_path(const Url& endpoint) {
  std::string_view path = endpoint.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

Url listing_url(const RepositoryTarget& target) {
  Url url = target.endpoint;
  url.path = fmt::format("{}/api/models/{}/revision/{}", base_path(target.endpoint),
                         encode_path(target.repository), encode_segment(target.revision));
  url.query = "blobs=true";
  return url;
}

Url file_url(const RepositoryTarget& target, const Repository& repository, std::string_view path) {
  Url url = target.endpoint;
  url.path = fmt::format("{}/{}/resolve/{}/{}", base_path(target.endpoint),
                         encode_path(repository.name), repository.commit, encode_path(path));
  url.query.clear();
  return url;
}

// "lfs": {"sha256", "size", …}; "oid" is what the tree's listing calls the hash.
Status read_lfs(const json& lfs, RemoteFile& file) {
  if (!lfs.is_object()) return Error::bad_input("lfs is no object");
  const JsonFields fields(lfs, "lfs.");
  LATHE_TRY(const auto sha256, fields.find_string("sha256"));
  LATHE_TRY(const auto oid, fields.find_string("oid"));
  file.sha256 = sha256 ? *sha256 : oid.value_or("");
  if (!is_hash(file.sha256, 64)) return Error::bad_input("lfs.sha256 is no SHA-256");
  LATHE_TRY(const std::int64_t size, fields.get_int("size"));
  if (size < 0 || static_cast<std::uint64_t>(size) != file.size)
    return Error::bad_input(fmt::format("size is {}, lfs.size is {}", file.size, size));
  return {};
}

Result<RemoteFile> read_file(const json& entry) {
  if (!entry.is_object()) return Error::bad_input("it is no object");
  const JsonFields fields(entry);
  RemoteFile file;
  LATHE_TRY(file.path, fields.get_string("rfilename"));
  LATHE_CHECK(check_repository_path(file.path));
  LATHE_TRY(const auto size, fields.get_int("size").at(in_quotes(file.path)));
  if (size < 0) return Error::bad_input("size is negative").at(in_quotes(file.path));
  file.size = static_cast<std::uint64_t>(size);
  if (const json* lfs = fields.find("lfs")) {
    LATHE_CHECK(read_lfs(*lfs, file).at(in_quotes(file.path)));
    return file;
  }
  LATHE_TRY(const auto blob, fields.find_string("blobId"));
  file.git_sha1 = blob.value_or("");
  if (blob && !is_hash(*blob, 40))
    return Error::bad_input("blobId is no SHA-1").at(in_quotes(file.path));
  return file;
}

Status read_files(const json& siblings, Repository& repository) {
  if (!siblings.is_array()) return Error::bad_input("siblings is no list");
  if (siblings.size() > kMaxFiles)
    return Error::limit(fmt::format("the repository has {} files; at most {} are read",
                                    siblings.size(), kMaxFiles));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    LATHE_TRY(RemoteFile file, read_file(siblings[i]).at(fmt::format("siblings[{}]", i)));
    if (!seen.insert(file.path).second)
      return Error::bad_input(fmt::format("the file {} stands twice", in_quotes(file.path)));
    repository.files.push_back(std::move(file));
  }
  return {};
}

std::string licence_in(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  const auto& text = found->get_ref<const std::string&>();
  return text.size() <= 100 && formats::is_utf8(text) ? text : std::string();
}

// The card's field, or the tag that the Hub makes of it; "other" has its name beside it.
std::string licence_of(const json& answer) {
  const auto card = answer.find("cardData");
  if (card != answer.end() && card->is_object()) {
    const std::string licence = licence_in(*card, "license");
    const std::string name = licence_in(*card, "license_name");
    if (licence == "other" && !name.empty()) return name;
    if (!licence.empty()) return licence;
  }
  const auto tags = answer.find("tags");
  if (tags == answer.end() || !tags->is_array()) return {};
  for (const json& tag : *tags) {
    constexpr std::string_view kPrefix = "license:";
    if (!tag.is_string() || !tag.get_ref<const std::string&>().starts_with(kPrefix)) continue;
    return tag.get_ref<const std::string&>().substr(kPrefix.size(), 100);
  }
  return {};
}

}  // namespace

const RemoteFile* Repository::find(std::string_view path) const {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const RemoteFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

Result<Repository> parse_repository(std::string_view text, const RepositoryTarget& target) {
  LATHE_TRY(const json answer,
            formats::parse_json_object(text, {.max_bytes = kMaxListingBytes, .max_depth = 16}));
  const JsonFields fields(answer);
  Repository repository;
  LATHE_TRY(const auto id, fields.find_string("id"));
  repository.name = id.value_or(target.repository);
  const auto named = parse_target(repository.name, target.endpoint);
  if (!named.ok() || default_name(*named) != repository.name)
    return Error::bad_input("id is no name of a repository: " + in_quotes(repository.name));
  LATHE_TRY(repository.commit, fields.get_string("sha"));
  if (!is_hash(repository.commit, 40))
    return Error::bad_input("sha is no commit: " + in_quotes(repository.commit));
  const json* siblings = fields.find("siblings");
  if (siblings == nullptr) return Error::bad_input("siblings (the list of files) is missing");
  LATHE_CHECK(read_files(*siblings, repository));
  for (RemoteFile& file : repository.files) file.url = file_url(target, repository, file.path);
  repository.licence = licence_of(answer);
  return repository;
}

Result<Repository> read_repository(HttpClient& client, const RepositoryTarget& target) {
  const Url url = listing_url(target);
  LATHE_TRY(const std::string text, client.get_text(url, kMaxListingBytes));
  return parse_repository(text, target).at("the Hub's answer for " + target.repository);
}

}  // namespace lathe::hub
