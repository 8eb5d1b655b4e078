// The server's Backend on this machine: the catalogue says what there is, a ModelHost holds what is
// in memory, assistants make prompts and engines answer. Nothing that waits for a disk or a model
// runs on the server's threads.
//
// Thread-safe. Outlives the server that it is given to.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "host/answer_job.h"
#include "host/embedder_host.h"
#include "host/local_store.h"
#include "host/model_host.h"
#include "host/request_log.h"
#include "host/worker_pool.h"
#include "server/backend.h"

namespace lathe::host {

struct LocalBackendOptions {
  ModelHostOptions models = {};
  EmbedderHostOptions embedders = {};
  std::size_t workers = 2;            // threads that prepare prompts
  std::int64_t max_waiting = 512;     // requests before an engine's own queue; more get 503
  std::size_t max_model_bytes = 512;  // of a request's reference
};

class LocalBackend final : public server::Backend {
 public:
  // parallel and clock outlive the backend; clock is read from several threads.
  LocalBackend(LocalStore store, const LocalBackendOptions& options, Parallel& parallel,
               const os::Clock& clock);

  void generate(server::GenerationSpec spec, std::shared_ptr<server::GenerationSink> sink,
                std::shared_ptr<server::Cancellation> cancellation) override;

  void embed(server::EmbeddingSpec spec, server::EmbeddingDone done,
             std::shared_ptr<server::Cancellation> cancellation) override;

  // Models, then model+adaptation for those that are made for one, then deployments.
  Result<std::vector<api::ModelCard>> models() override;
  // Any reference that would be answered.
  Result<api::ModelCard> model(const std::string& id) override;
  Result<std::vector<api::DeploymentCard>> deployments() override;
  Result<api::DeploymentCard> deployment(const std::string& name) override;
  Result<std::vector<api::VersionCard>> versions(const std::string& deployment) override;

  Status ready() override;
  server::BackendLoad load() override;

 private:
  Result<api::DeploymentCard> card_of(const store::DeploymentRecord& deployment);

  const LocalBackendOptions options_;
  LocalStore store_;
  std::atomic<std::int64_t> waiting_{0};
  // In the order of need: workers ask models, and both write to the log.
  RequestLog log_;
  ModelHost models_;
  EmbedderHost embedders_;
  WorkerPool workers_;
  const AnswerServices services_;
};

}  // namespace lathe::host
