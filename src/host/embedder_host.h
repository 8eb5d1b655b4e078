// The encoders that the endpoint has in memory, and the thread that works with them: loaded when
// first asked for, the longest unused let go when another takes its place.
//
// Thread-safe. Requests wait in one bounded queue and are answered in order of arrival, so that
// vectors take one thread's turn beside the engines'.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/local_store.h"
#include "host/request_log.h"
#include "host/worker_pool.h"
#include "os/clock.h"
#include "server/backend.h"
#include "tasks/embedder.h"

namespace lathe::host {

struct EmbedderHostOptions {
  std::size_t models = 2;          // in memory at once
  std::int64_t max_waiting = 256;  // requests; more get 503
};

class EmbedderHost {
 public:
  // All but the options outlive the host.
  EmbedderHost(const EmbedderHostOptions& options, LocalStore& store, RequestLog& log,
               Parallel& parallel, const os::Clock& clock);

  // As server::Backend::embed.
  void embed(server::EmbeddingSpec spec, server::EmbeddingDone done,
             std::shared_ptr<server::Cancellation> cancellation);

 private:
  using Shared = std::shared_ptr<const tasks::Embedder>;
  struct Loaded {
    std::string key;  // path_identity() of its files
    Shared embedder;
  };

  // On the worker's thread.
  Result<api::EmbeddingAnswer> answer(const server::EmbeddingSpec& spec,
                                      store::RequestRecord& record);
  Result<Shared> find(const Resolved& model);

  const EmbedderHostOptions options_;
  LocalStore& store_;
  RequestLog& log_;
  Parallel& parallel_;
  const os::Clock& clock_;
  std::atomic<std::int64_t> waiting_{0};
  std::vector<Loaded> loaded_;  // the worker's alone; the last used at the end
  WorkerPool worker_{1};        // last: it uses the rest
};

}  // namespace lathe::host
