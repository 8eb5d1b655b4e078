// All that the server knows of the work: an interface that the wiring root implements with the
// engine and the store, and tests with a fake.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/cards.h"
#include "api/chat.h"
#include "api/embedding.h"
#include "api/generation.h"
#include "base/result.h"
#include "server/cancellation.h"

namespace lathe::server {

// One answer to make. The input is the messages of a chat, rendered by the model's own template, or
// the text of a completion, taken as it is.
struct GenerationSpec {
  std::string model;  // any reference: "starter", "starter+helpdesk-lora", "helpdesk@2"
  std::variant<std::vector<api::Message>, std::string> input;
  api::SamplingOptions sampling;
};

// Takes one answer while it is made. The backend calls on_start once, then on_text any number of
// times, then on_finish or on_error exactly once; on_error may also come first, and is then an
// HTTP error of its own status. Calls come from any thread, never two at once, and never block.
class GenerationSink {
 public:
  virtual ~GenerationSink() = default;

  // The prompt is accepted and its model loaded; the first token comes.
  virtual void on_start(const api::ServedBy& served_by) = 0;
  // The next piece of the text: whole UTF-8 characters, without stop strings.
  virtual void on_text(std::string_view utf8) = 0;
  // usage counts what the model has read and made, also when it was cancelled.
  virtual void on_finish(api::FinishReason reason, const api::Usage& usage) = 0;
  // not_found: the model; limit: the prompt is too long, and the message has the counts;
  // unavailable: the queue is full; cancelled: as on_finish(cancelled).
  virtual void on_error(Error error) = 0;

  // The client reads more slowly than the text comes. A backend that batches may leave the sequence
  // out while this holds; one that does not loses the sequence when the backlog reaches its bound.
  virtual bool congested() const = 0;
};

// Texts whose vectors are wanted.
struct EmbeddingSpec {
  std::string model;  // a reference to an encoder
  std::vector<api::EmbeddingInput> inputs;
};
// not_found: the model; bad_input: it makes no embeddings; limit: an input is too long, and the
// message has the counts; unavailable: the queue is full; cancelled.
using EmbeddingDone = std::function<void(const Result<api::EmbeddingAnswer>&)>;

// A reading for /metrics.
struct BackendLoad {
  std::int64_t running = 0;        // sequences in the batch
  std::int64_t waiting = 0;        // accepted and queued
  std::int64_t loaded_models = 0;  // in memory now
};

// Thread-safe. The methods that list things may read the store but never wait for a model.
class Backend {
 public:
  virtual ~Backend() = default;

  // Returns at once; the answer goes to the sink, possibly before this returns. Ends soon after
  // cancellation is requested, then lets go of the sink: Server::drain waits for that.
  virtual void generate(GenerationSpec spec, std::shared_ptr<GenerationSink> sink,
                        std::shared_ptr<Cancellation> cancellation) = 0;

  // Returns at once; done is called exactly once, on any thread, possibly before this returns.
  virtual void embed(EmbeddingSpec spec, EmbeddingDone done,
                     std::shared_ptr<Cancellation> cancellation) = 0;

  virtual Result<std::vector<api::ModelCard>> models() = 0;
  virtual Result<api::ModelCard> model(const std::string& id) = 0;  // not_found

  virtual Result<std::vector<api::DeploymentCard>> deployments() = 0;
  virtual Result<api::DeploymentCard> deployment(const std::string& name) = 0;  // not_found
  virtual Result<std::vector<api::VersionCard>> versions(const std::string& deployment) = 0;  // "

  // Ok when requests can be answered (loading a model first is fine); otherwise why not.
  virtual Status ready() = 0;
  virtual BackendLoad load() = 0;
};

}  // namespace lathe::server
