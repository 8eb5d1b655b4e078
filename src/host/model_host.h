// Models in memory: loaded by the first request that needs them, kept while in use, let go after
// they were idle for a while. Several models at once; requests for a model that is being loaded
// wait for that one load.
//
// Beside each model stand the assistants that were asked of it (the model with adaptations), so
// that a LoRA or a knowledge base is opened once. What lies on disk is looked at by identity: a
// model or adaptation that was replaced is loaded anew, and whoever holds the old one goes on with
// it.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/parallel.h"
#include "base/result.h"
#include "engine/engine.h"
#include "host/local_store.h"
#include "os/clock.h"
#include "tasks/assistant.h"

namespace lathe::host {

struct ModelHostOptions {
  double idle_seconds = 300;  // after its last request a model stays so long; 0: it goes at once
  std::size_t loaders = 2;    // models that may be loading at the same time
  engine::EngineOptions engine = {};
};

// Sums over the models in memory.
struct ModelHostLoad {
  std::size_t models = 0;   // loaded
  std::size_t running = 0;  // sequences in their batches
  std::size_t waiting = 0;  // accepted by their engines, not in a batch
};

class ModelHost {
 public:
  // The use of an assistant: while it is held, the model stays. Move-only; may be let go of on any
  // thread, the engine's own included, before the host goes.
  class Lease;
  using Ready = std::function<void(Result<Lease>)>;

  // parallel and clock outlive the host; clock is read from several threads.
  ModelHost(const ModelHostOptions& options, Parallel& parallel, const os::Clock& clock);
  // Lets everything go. REQUIRES: no lease is out. Waiters of a load get an error.
  ~ModelHost();

  // Calls ready once: at once on this thread when the model is loaded (adaptations may still be
  // read), later on a thread of the host's when it has to be. Errors: those of loading, of the
  // adaptations; unavailable when the host goes.
  void acquire(const Resolved& what, Ready ready);

  // Whether requests for it would find the model in memory.
  bool is_loaded(const Resolved& what) const;
  ModelHostLoad load() const;

 private:
  class Impl;
  struct Entry;
  std::unique_ptr<Impl> impl_;
};

class ModelHost::Lease {
 public:
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  // Another hold on the same.
  Lease share() const;

  const tasks::Assistant& assistant() const { return *assistant_; }
  // How long acquire() waited for the model to load; 0 when it was loaded.
  double load_ms() const { return load_ms_; }

 private:
  friend class ModelHost::Impl;
  Lease(Impl* host, Entry* entry, std::shared_ptr<const tasks::Assistant> assistant, double load_ms)
      : host_(host), entry_(entry), assistant_(std::move(assistant)), load_ms_(load_ms) {}

  Impl* host_;
  Entry* entry_;  // lives while its users are counted
  std::shared_ptr<const tasks::Assistant> assistant_;
  double load_ms_;
};

}  // namespace lathe::host
