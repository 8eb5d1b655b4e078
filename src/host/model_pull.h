// lathe pull: a model from a Hub or a URL into the store.
//
// The files come into downloads/NAME/ of the home, where they stay when the program ends before
// they are whole, and the next pull of that name goes on with them. What the model is, is found out
// before its weights come: the small files whole, of the large ones the headers, put in their place
// in files with holes, which the same code then opens that an import runs. What that refuses is
// refused here, having cost some hundred kilobytes. Once whole and checked, the files become a
// model of the store by take_in_model() (host/model_import.h), whose record says where they came
// from:
//
//   "source": {"endpoint", "repo", "revision", "choice", "commit", "files": [{"path", "size",
//              "sha256" or "git_sha1"}]} or {"url", "files"}
//   "license": as the Hub has it, where it does
//
// Two pulls of one name, in any processes, run one after the other; the second finds the model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/parallel.h"
#include "base/result.h"
#include "host/conversion.h"
#include "host/local_store.h"
#include "hub/http_client.h"
#include "hub/selection.h"
#include "hub/target.h"

namespace lathe::host {

struct PullOptions {
  std::string name;              // in the store; empty: hub::default_name()
  bool force = false;            // fetch it although it is there
  bool offline = false;          // the network is not to be touched
  bool any_memory = false;       // fetch it although it will not fit into memory
  bool only_look = false;        // stop before the weights come
  ConversionOptions conversion;  // what becomes of the weights' types
  hub::HttpSettings http;
  std::size_t connections = 4;
};

// What is known before the weights come.
struct PullPreview {
  store::ModelRecord model;          // without path, size and fingerprint
  std::string origin;                // "org/name@0123abc…" or a URL
  std::string licence;               // empty when unknown
  std::uint64_t download_bytes = 0;  // of all files
  std::uint64_t kept_bytes = 0;      // of them, those that an earlier run left
  std::uint64_t disk_available = 0;
  std::uint64_t memory_bytes = 0;  // of the loaded weights
  std::uint64_t memory_available = 0;
};

struct PullEvents {
  std::function<void(const PullPreview&)> on_preview;
  std::function<void(std::uint64_t done, std::uint64_t all)> on_bytes;  // from one thread at a time
  std::function<void(const std::string&)> on_note;
};

struct PullResult {
  std::optional<store::ModelRecord> model;  // nothing after only_look
  bool was_there = false;                   // nothing had to be fetched
};

// Errors: those of hub/ and of model_import.h; already_exists (the name is another model's);
// io (the disk has no room for it); limit (memory has none); unavailable (offline).
Result<PullResult> pull_model(LocalStore& store, const hub::Target& target,
                              const PullOptions& options, Parallel& parallel,
                              const PullEvents& events);

}  // namespace lathe::host
