// What the user asks to be pulled:
//
//   org/name                       a repository of the Hub
//   org/name@revision              a branch, tag or commit of it
//   org/name:Q4_K_M                its GGUF file of that quantisation
//   org/name:FILE.gguf             its file of that name
//   https://huggingface.co/org/name[/tree/REV] and …/resolve/REV/FILE.gguf   the same as URLs
//   https://example.org/FILE.gguf  any GGUF file
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "hub/url.h"

namespace lathe::hub {

struct RepositoryTarget {
  Url endpoint;                   // the Hub; its path goes before all others
  std::string repository;         // "org/name", or "name" of the Hub's first models
  std::string revision = "main";  // a branch, tag or commit
  std::string choice;             // a file or a quantisation; empty: the repository says

  bool operator==(const RepositoryTarget&) const = default;
};

struct FileTarget {
  Url url;
  std::string name;  // "model-q4_k_m.gguf"

  bool operator==(const FileTarget&) const = default;
};

using Target = std::variant<RepositoryTarget, FileTarget>;

// endpoint: where names without a host are looked for. Error: bad_input.
Result<Target> parse_target(std::string_view text, const Url& endpoint);

// What a target is called in the store when nobody says otherwise: "org/name", "org/file-stem".
std::string default_name(const Target& target);

// A path of a repository: relative, at most 8 deep and 512 bytes, without "..", empty parts,
// backslashes and control characters. Error: bad_input.
Status check_repository_path(std::string_view path);

}  // namespace lathe::hub
