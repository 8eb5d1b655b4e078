// One request of the endpoint on its way: from a reference and messages over the loaded model and
// the prompt to the engine, and the engine's tokens back to the server's sink.
//
//   waiting     for a worker, or for the model to load     (worker, loader)
//   preparing   retrieval, template, tokens, submission    (worker or loader)
//   running     in the engine's hands                      (the engine's thread)
//   ended       the sink has had its last call
//
// Whoever brings a job to `ended` makes the sink's last call, so that there is exactly one. A
// cancelled job that waits ends at once; one that is prepared ends when it is submitted.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/request.h"
#include "host/model_host.h"
#include "host/request_log.h"
#include "host/worker_pool.h"
#include "os/clock.h"
#include "server/backend.h"

namespace lathe::host {

// What jobs work with; outlives them.
struct AnswerServices {
  LocalStore& store;
  ModelHost& models;
  WorkerPool& workers;
  RequestLog& log;
  const os::Clock& clock;
  std::atomic<std::int64_t>& waiting;  // jobs that are not in an engine's hands yet
};

class AnswerJob final : public engine::GenerationSink,
                        public std::enable_shared_from_this<AnswerJob> {
 public:
  // Returns at once. Must be called on a job that a shared pointer holds.
  static void start(const AnswerServices& services, server::GenerationSpec spec,
                    std::shared_ptr<server::GenerationSink> sink,
                    std::shared_ptr<server::Cancellation> cancellation);

  AnswerJob(const AnswerServices& services, server::GenerationSpec spec,
            std::shared_ptr<server::GenerationSink> sink,
            std::shared_ptr<server::Cancellation> cancellation);

  void on_start() override;
  void on_token(const engine::Delta& delta) override;
  void on_end(const engine::Answer& answer) override;
  bool congested() const override { return sink_->congested(); }

 private:
  enum class Phase { waiting, preparing, running, ended };

  void find_model();
  void prepare(Result<ModelHost::Lease> lease);
  Result<std::shared_ptr<engine::Generation>> submit(const tasks::Assistant& assistant);
  void cancel();

  bool move_on(Phase from, Phase to);
  // Ends the job if it is still in that phase, which is not `running`.
  void fail(Phase from, const Error& error);
  // The last of a job, in this order: the model is let go of, the record is written, the sink gets
  // its last call and is let go of. REQUIRES: this thread brought the job to `ended`.
  template <class LastCall>
  void finish(int status, const engine::Usage& usage, LastCall last_call);
  // Nothing of it waits any more; counts once.
  void count_out();
  int status_of(const Error& error) const;

  const AnswerServices services_;
  const server::GenerationSpec spec_;
  const std::shared_ptr<server::Cancellation> cancellation_;
  const double started_;  // by the clock
  std::atomic<bool> counted_{true};

  // Belongs to whoever moved the job on last.
  std::shared_ptr<server::GenerationSink> sink_;
  std::optional<ModelHost::Lease> lease_;
  store::RequestRecord record_;
  std::int64_t left_out_ = 0;  // parts of the prompt that did not fit
  bool shown_ = false;         // the sink had on_start

  std::mutex mutex_;
  Phase phase_ = Phase::waiting;                    // guarded by mutex_, as the next
  std::shared_ptr<engine::Generation> generation_;  // while it runs
};

}  // namespace lathe::host
