// The local store as a program opens it: the home's folders and the catalogue in it, and from a
// reference to what has to be loaded to answer it. The command line and the server resolve through
// this file, so that a reference means the same everywhere.
//
// Thread-safe: the catalogue locks itself, the home is immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/file.h"
#include "store/catalogue.h"
#include "store/home.h"
#include "tasks/assistant.h"

namespace lathe::host {

struct LocalStore {
  // folder: empty for $LATHE_HOME or ~/.lathe. Made when it is missing.
  static Result<LocalStore> open(const std::string& folder);

  store::Home home;
  store::Catalogue catalogue;
};

// What answers, with everything that loading it takes.
struct Resolved {
  std::string reference;   // canonical: "starter+helpdesk-lora", whatever name led here
  std::string model_name;  // as the catalogue has it, or the path that was given
  os::Path model_path;     // a folder or .gguf file
  bool in_store = false;   // the store's own, in a folder of its own
  std::vector<tasks::AdaptationSource> adaptations;  // in the order they apply
  std::string deployment;                            // empty when a model was named
  std::int64_t version = 0;                          // 0 when a model was named
};

// reference: see store/reference.h. For whoever may not name the machine's files: the endpoint.
//
// Errors: not_found (with near names), bad_input (an adaptation made for other weights, naming
// both; what a reference cannot be), unsupported (a kind of adaptation that cannot answer).
Result<Resolved> resolve_in_store(LocalStore& store, const std::string& reference);

// The second half of it: where that lies on this machine.
Result<Resolved> locate(const store::Home& home, const store::ResolvedReference& found);

// resolve_in_store(), or the path of a model (a Hugging Face folder, a .gguf file), with
// adaptations of the store after it or not: "./tuned+handbook". What begins with "." or "/" or
// holds ".gguf" is a path; otherwise a name of the store goes before a path of the same spelling.
Result<Resolved> resolve(LocalStore& store, const std::string& reference);

// Changes when what lies at the path is replaced or written to: for caches of what was read from
// it.
std::string path_identity(const os::Path& path);

}  // namespace lathe::host
