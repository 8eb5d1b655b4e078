// What the catalogue keeps, one struct a table. Times are seconds since 1970-01-01 UTC; paths are
// relative to the home (store/home.h) with "/"; hashes are lower-case hexadecimal text, empty when
// unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::store {

struct ModelRecord {
  std::string name;                 // `name` or `org/name`
  std::string kind = "generator";   // what it does: "generator", "encoder"
  std::string path;                 // file or folder: "models/starter/model.gguf"
  std::int64_t size_bytes = 0;      // on disk
  std::int64_t parameters = 0;      // count of weights
  std::string family;               // "llama"
  std::int64_t context_length = 0;  // tokens
  std::string quantization;         // "f32", "bf16", "q8_0", …
  std::string fingerprint;          // of the weights: what an adaptation is bound to; not empty
  std::string template_hash;        // of the chat template
  std::string tokenizer_hash;
  // What else is known of it: a JSON object. "certificates": what its conversions changed, oldest
  // first (evaluation/parity.h); "source", "license", …: where it came from, for its card.
  std::string details = "{}";
  std::int64_t created = 0;  // 0 when adding: now
};

enum class AdaptationKind { prompt, knowledge, soft_prompt, head, lora };

// "prompt", "knowledge", "soft-prompt", "head", "lora".
const char* to_string(AdaptationKind kind);
Result<AdaptationKind> parse_adaptation_kind(std::string_view text);

// Whether the artefact fits one model only: its base and the base's fingerprint must be given.
bool is_bound_to_model(AdaptationKind kind);

struct AdaptationRecord {
  std::string name;
  AdaptationKind kind = AdaptationKind::prompt;
  std::string base_model;        // empty: fits every model (prompt and knowledge only)
  std::string base_fingerprint;  // of base_model's weights when it was made
  std::string path;              // file or folder: "adaptations/helpdesk-lora"
  std::int64_t size_bytes = 0;   // on disk
  std::string settings = "{}";   // how it was made: a JSON object (method, rank, steps, …)
  std::int64_t created = 0;      // 0 when adding: now
};

// How many instances a version may have, and when they go; the autoscaler reads it.
struct Scaling {
  std::int64_t minimum_instances = 0;
  std::int64_t maximum_instances = 1;
  std::int64_t maximum_idle_seconds = 300;
  bool operator==(const Scaling&) const = default;
};

// What it answers with (reference, model, adaptations) never changes; how it scales may.
struct VersionRecord {
  std::string deployment;
  std::int64_t version = 0;  // from 1, without gaps
  std::string reference;     // "starter+helpdesk-lora": always a model, never a deployment
  std::string model;
  std::vector<std::string> adaptations;  // in the order they apply
  Scaling scaling;
  std::int64_t created = 0;
};

struct DeploymentRecord {
  std::string name;
  std::int64_t current_version = 0;  // the version in charge
  std::int64_t versions = 0;         // how many there are
  std::int64_t created = 0;
  std::int64_t changed = 0;  // time of the last revision
};

enum class RevisionKind { deploy, rollback, scale };

// "deploy", "rollback", "scale".
const char* to_string(RevisionKind kind);

// One change of a deployment.
struct RevisionRecord {
  std::string deployment;
  std::int64_t revision = 0;  // from 1, without gaps, for each deployment
  RevisionKind kind = RevisionKind::deploy;
  std::int64_t version = 0;  // the version it put in charge or scaled
  std::string what;          // "version 2 (starter+helpdesk-lora) took over from version 1"
  std::int64_t created = 0;
};

// What one `compare` found: the way it recommended, on held-out rows of the user's.
struct ComparisonRecord {
  std::int64_t id = 0;     // given by the catalogue, ascending
  std::string model;       // a name of the store
  std::string repository;  // of the Hub, where it came from one; empty otherwise
  std::string data;        // the name of the file with the held-out rows
  std::string data_hash;   // of its bytes: equal rows compare
  std::int64_t rows = 0;   // of it
  std::string way;         // "lora", …
  double accuracy = 0;     // share of rows that it has right, 0 to 1
  double low = 0;          // its 95 % interval
  double high = 0;
  std::int64_t created = 0;  // 0 when recording: now
};

// One answered request.
struct RequestRecord {
  std::int64_t id = 0;       // given by the catalogue, ascending
  std::string reference;     // as the client wrote it: "helpdesk"
  std::string deployment;    // empty when a model was named
  std::int64_t version = 0;  // 0 when a model was named
  std::int64_t started = 0;  // 0 when recording: now
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double latency_ms = 0;      // from arrival to the last byte
  double load_ms = 0;         // of it, loading the model; 0 when it was loaded
  std::int64_t status = 200;  // as HTTP counts: 499 for a client that went away
};

}  // namespace lathe::store
