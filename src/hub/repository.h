// What the Hub says of a repository: its commit, its files with sizes and hashes, its licence.
//
// Source: https://huggingface.co/docs/hub/api (/api/models/{repo}/revision/{revision}?blobs=true).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/http_client.h"
#include "hub/target.h"

namespace lathe::hub {

struct RemoteFile {
  std::string path;        // in the repository; checked: check_repository_path()
  std::uint64_t size = 0;  // bytes
  std::string sha256;      // of a large file (Git LFS); empty otherwise
  std::string git_sha1;    // of another file, as Git names blobs; empty when unknown
  std::string version;     // of a file without a hash: its ETag or date; empty when unknown
  Url url;                 // where it is read, at this commit
};

struct Repository {
  std::string name;     // as the Hub writes it
  std::string commit;   // 40 hexadecimal digits: what the revision stands for now
  std::string licence;  // as the model card gives it: "apache-2.0"; empty when it does not
  std::vector<RemoteFile> files;

  // nullptr when there is none of that path.
  const RemoteFile* find(std::string_view path) const;
};

// Errors: those of http_client.h; bad_input (an answer that cannot be, naming the field; a file
// name that leads elsewhere).
Result<Repository> read_repository(HttpClient& client, const RepositoryTarget& target);

// The same from the text of an answer. For tests and fuzzing.
Result<Repository> parse_repository(std::string_view json, const RepositoryTarget& target);

}  // namespace lathe::hub
